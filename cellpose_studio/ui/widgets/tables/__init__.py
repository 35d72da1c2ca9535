"""Parts of tables and lists."""
