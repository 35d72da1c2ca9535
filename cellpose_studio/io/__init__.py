"""Files: images in, masks and regions of interest in and out."""
