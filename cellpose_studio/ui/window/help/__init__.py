"""Help and support."""
