"""Side views of a stack: cuts along Z through a point, beside and below the canvas."""
