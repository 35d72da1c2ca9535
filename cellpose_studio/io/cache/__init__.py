"""What is kept in the user's cache folder: flows and thumbnails."""
