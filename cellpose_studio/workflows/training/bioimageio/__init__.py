"""Models as packages of bioimage.io, out and in."""
