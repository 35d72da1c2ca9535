"""The Help menu, and what helps when something goes wrong."""
