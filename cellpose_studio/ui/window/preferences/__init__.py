"""The preferences, in one window."""
