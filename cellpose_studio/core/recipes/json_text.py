"""Recipe of a run as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import JournalEntry
from cellpose_studio.core.recipes.edits import effective_edits

VERSION = 1


def as_json(record: RunRecord, edits: Sequence[JournalEntry] = ()) -> str:
    """Return the record and the edits after it in a machine-readable form."""
    kept = {entry.id for entry in effective_edits(edits)}
    content = {
        "format": "cellpose-studio-run",
        "version": VERSION,
        "record": record.model_dump(mode="json"),
        "edits": [
            {
                "operation": entry.operation,
                "cells": entry.cells,
                "time": entry.time.isoformat(),
            }
            for entry in edits
            if entry.id in kept
        ],
    }
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n"
