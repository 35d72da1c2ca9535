"""Models: weight files, their cards, and how they are trained."""
