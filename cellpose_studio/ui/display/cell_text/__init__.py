"""Labels of cells on the canvas: number, status, measurements."""
