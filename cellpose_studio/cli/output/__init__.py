"""What commands print: progress, failures, the list at the end."""
