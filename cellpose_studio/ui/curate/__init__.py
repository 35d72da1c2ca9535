"""The Curate tab."""
