"""What is open: the images of a project, and what happens to them."""
