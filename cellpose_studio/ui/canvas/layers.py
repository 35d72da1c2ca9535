"""Names by which layers of the canvas are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


CHANNEL = "channel"
"""Under this name a layer of the image says which channel it is; None: all colours."""
