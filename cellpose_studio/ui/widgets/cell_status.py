"""Display of the status of a cell: text, symbol and colour."""

from __future__ import annotations

from cellpose_studio.core.provenance.revision import CellStatus

STATUS_WORDS: dict[CellStatus, str] = {
    "accepted": "Accepted",
    "rejected": "Rejected",
    "later": "Fix later",
}
STATUS_SIGNS: dict[CellStatus, str] = {"accepted": "✓", "rejected": "✗", "later": "…"}
STATUS_COLOURS: dict[CellStatus, str] = {
    "accepted": "#16a06c",
    "rejected": "#e0561a",
    "later": "#c98f00",
}
