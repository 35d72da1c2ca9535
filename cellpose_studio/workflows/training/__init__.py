"""Training of models on folders of images with masks."""
