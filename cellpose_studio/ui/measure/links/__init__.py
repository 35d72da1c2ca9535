"""Shows on the canvas the cells that rows are about."""
