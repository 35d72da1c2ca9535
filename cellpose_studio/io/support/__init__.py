"""What helps when something goes wrong: the log, traces of crashes, updates."""
