"""Services that work beside the user: loading, sealing, measuring."""
