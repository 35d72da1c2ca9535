"""Measuring the cells of many images, into one table."""
