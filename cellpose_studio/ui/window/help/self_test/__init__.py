"""The check of the installation: in a terminal, in a dialog, and its real window."""
