"""The cluster that runs large images."""
