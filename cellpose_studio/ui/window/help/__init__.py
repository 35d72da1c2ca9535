"""Help and support: the check of the installation."""
