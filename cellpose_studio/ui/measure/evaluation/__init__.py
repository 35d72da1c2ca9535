"""The evaluation: scores of masks, and the cells that are wrong, on the canvas."""
