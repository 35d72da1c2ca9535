"""Trainings of models, their rounds, and the images that come next."""
