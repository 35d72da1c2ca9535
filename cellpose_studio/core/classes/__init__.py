"""Classes that the user sorts cells into."""
