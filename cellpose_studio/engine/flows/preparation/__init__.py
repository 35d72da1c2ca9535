"""Steps that prepare the pixels of an image, computed where they are read."""
