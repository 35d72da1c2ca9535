"""Which cells to review first, and what is measured of them for it."""
