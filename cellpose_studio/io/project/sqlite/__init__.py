"""SQLite's own formats, read without SQLite: pages, write-ahead logs, journals."""
