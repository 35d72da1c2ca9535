"""Recipe of a run as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cellpose_studio.core.provenance.hand_work import NO_HAND_WORK, HandWork
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import JournalEntry
from cellpose_studio.core.recipes.edits import effective_edits

VERSION = 1


def as_json(record: RunRecord, hand: HandWork = NO_HAND_WORK) -> str:
    """Return the record and what was done by hand, in a machine-readable form."""
    content: dict[str, Any] = {
        "format": "cellpose-studio-run",
        "version": VERSION,
        "record": record.model_dump(mode="json"),
        "edits": _edits(hand.after),
    }
    if hand.was_merged or hand.before:
        content["merged"] = {
            "kept_cells": hand.kept,
            "left_out_cells": hand.left_out,
            "cells": hand.together,
            "edits": _edits(hand.before),
        }
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n"


def _edits(entries: Sequence[JournalEntry]) -> list[dict[str, Any]]:
    return [
        {
            "operation": entry.operation,
            "cells": entry.cells,
            "time": entry.time.isoformat(),
        }
        for entry in effective_edits(entries)
    ]
