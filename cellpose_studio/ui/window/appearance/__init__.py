"""How the window looks: colours, size of texts, numbers."""
