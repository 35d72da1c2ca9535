"""Time series: tracks for other programs, and stacks to track in them."""
