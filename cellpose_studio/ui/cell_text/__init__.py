"""Text at cells on the canvas: numbers, status, measurements."""
