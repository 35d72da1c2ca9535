"""Opening, exporting and relinking files, and projects."""
