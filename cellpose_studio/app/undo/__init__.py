"""The undo stack and its steps."""
