"""Commands, their actions and their keyboard shortcuts."""
