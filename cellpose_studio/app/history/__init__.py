"""The revision tree of an image, and what differs between revisions."""
