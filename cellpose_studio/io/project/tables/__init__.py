"""The tables of a project, one module each."""
