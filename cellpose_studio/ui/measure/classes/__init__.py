"""The classes of cells, and the classifier."""
