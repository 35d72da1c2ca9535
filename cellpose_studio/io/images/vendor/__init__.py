"""Files of microscopes, each read with the library of its format."""
