"""Which of the files beside a project belong to it, and what a crash left of them."""
