"""The check of an installation: what it tries, and the process that it runs in."""
