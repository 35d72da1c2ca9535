"""What is known of cells: status, class, divisions."""
