"""Tracks: cells linked over time, divided, cut and joined."""
