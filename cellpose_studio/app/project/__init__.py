"""The open project and the thread that writes it."""
