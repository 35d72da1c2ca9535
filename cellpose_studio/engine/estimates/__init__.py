"""What a look at an image tells before a run: how wide cells are, what model suits."""
