"""Masks in and out: label images, Cellpose's files, ImageJ's regions."""
