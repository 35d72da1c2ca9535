"""Downloads of Cellpose's published models."""
