"""The start: name and icon of the application, its splash, files from outside."""
