"""Which cells of two label images are the same, and what differs."""
