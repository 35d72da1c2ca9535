"""Qt and napari: the window, the canvas and one file per panel."""
