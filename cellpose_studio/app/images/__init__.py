"""Services for the list of images: status, thumbnails, missing files."""
