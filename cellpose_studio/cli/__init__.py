"""The commands that need no window: thin, over the workflows."""
