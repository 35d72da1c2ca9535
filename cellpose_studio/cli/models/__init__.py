"""``cellpose-studio models``: what is installed, and what Cellpose has published."""

from cellpose_studio.cli.models.command import add

__all__ = ["add"]
