"""Many images, one after the other, and the names of their results."""
