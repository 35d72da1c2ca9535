"""Classes of cells: what they are, and who said which cell is of which."""
