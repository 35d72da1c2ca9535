"""OME-TIFF and OME-Zarr."""
