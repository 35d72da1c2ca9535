"""Annotations in the format of the COCO data set."""
