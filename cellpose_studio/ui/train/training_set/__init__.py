"""What is trained on: the list, its options, crops on the canvas, folders."""
