"""The panel of the images of the project."""
