"""The start page, and the projects that it offers."""
