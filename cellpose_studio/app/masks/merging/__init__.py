"""New masks merged with those present."""
