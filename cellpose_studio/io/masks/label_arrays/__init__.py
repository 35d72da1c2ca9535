"""Numbers of label images as they are in files, before they are checked."""
