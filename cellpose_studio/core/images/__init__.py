"""Images: where their pixels come from, and what their axes mean."""
