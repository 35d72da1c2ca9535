"""Reading TIFF files: plain ones, those of ImageJ, and OME-TIFF."""
