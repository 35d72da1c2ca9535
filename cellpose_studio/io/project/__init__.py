"""The project file: one SQLite database; docs/project-file.md describes it."""
