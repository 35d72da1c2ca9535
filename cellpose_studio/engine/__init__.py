"""Pixels to flows to labels: networks, dynamics, training and evaluation."""
