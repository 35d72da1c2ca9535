"""Just-in-time compilation of loops over pixels."""
