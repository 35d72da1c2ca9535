"""Runs: started, queued, and their results put in place."""
