"""Tables of an evaluation: scores, classes and wrong cells, as CSV and JSON."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cellpose_studio.core.matching.evaluation.class_scores import ClassScores
from cellpose_studio.core.matching.evaluation.scores import Scores
from cellpose_studio.io.atomic import replacing
from cellpose_studio.workflows.evaluation.items import EvaluatedImages

ALL = "all images"
"""Name of the rows with the cells of all images together."""

SCORES = (
    "ap",
    "precision",
    "recall",
    "f1",
    "sq",
    "pq",
)
"""Scores that depend on the IoU; attributes of `Scores`."""

_ERRORS = (
    "image",
    "frame",
    "kind",
    "true_cells",
    "found_cells",
    "iou",
    "pixels",
    "plane",
    "y",
    "x",
)

Row = dict[str, Any]


def score_rows(result: EvaluatedImages) -> Iterator[Row]:
    """Yield a row for each image and IoU; of a film, also for each of its frames."""
    for image in result.images:
        frames = image.evaluation.frames
        yield from _rows(image.name, "", image.evaluation.scores)
        for n, scores in enumerate(frames if len(frames) > 1 else (), start=1):
            yield from _rows(image.name, n, scores)
    if (together := result.total) is not None:
        yield from _rows(ALL, "", together)


def error_rows(result: EvaluatedImages) -> Iterator[Row]:
    """Yield a row for each wrong cell."""
    for image in result.images:
        in_frames = len(image.evaluation.frames) > 1
        for one in image.evaluation.errors:
            *plane, y, x = one.centre
            values = (
                image.name,
                one.frame + 1 if in_frames else "",
                one.kind,
                " ".join(map(str, one.true)),
                " ".join(map(str, one.found)),
                round(one.iou, 6),
                one.pixels,
                round(plane[0]) + 1 if plane else "",
                round(y, 2),
                round(x, 2),
            )
            yield dict(zip(_ERRORS, values, strict=True))


def class_rows(result: EvaluatedImages) -> Iterator[Row]:
    """Yield a row for each image and class, and for each class of all images."""
    for image in result.images:
        for name, scores in image.evaluation.classes.items():
            yield _class_row(image.name, name, scores)
    for name, scores in result.classes.items():
        yield _class_row(ALL, name, scores)


def write_csv(path: Path, result: EvaluatedImages) -> list[Path]:
    """Write the scores of one image or more, wrong cells, and classes if known.

    Without any wrong cell, their table has its heads only, in place of an earlier one.

    Returns
    -------
    The files: ``x.csv``, ``x_cells.csv``, ``x_classes.csv``.

    Raises
    ------
    CannotSave
    """
    scores, *beside = csv_files(path, result)
    _write(scores, list(score_rows(result)))
    if result.options.with_errors:
        _write(beside[0], list(error_rows(result)), _ERRORS)
    if result.classes:
        _write(beside[-1], list(class_rows(result)))
    return [scores, *beside]


def csv_files(path: Path, result: EvaluatedImages) -> list[Path]:
    """Return the files that `write_csv` writes."""
    wanted = {"cells": result.options.with_errors, "classes": bool(result.classes)}
    beside = [name for name, is_wanted in wanted.items() if is_wanted]
    return [path, *(path.with_name(f"{path.stem}_{name}.csv") for name in beside)]


def write_json(path: Path, result: EvaluatedImages) -> None:
    """Write all of an evaluation into one file; raises `CannotSave`."""
    options = result.options
    document = {
        "compared": result.title,
        "iou": options.thresholds,
        "errors_at_iou": options.errors_at,
        "boundary_radius_px": options.boundary,
        "without_border_cells": options.without_border,
        "scores": [_plain(row) for row in score_rows(result)],
        "cells": [_plain(row) for row in error_rows(result)],
        "classes": [_plain(row) for row in class_rows(result)],
        "failures": [error.message for error in result.failures],
    }
    with replacing(path) as part:
        part.write_text(json.dumps(document, indent=1, allow_nan=False), "utf-8")


def _rows(name: str, frame: int | str, scores: Scores) -> Iterator[Row]:
    for n, iou in enumerate(scores.thresholds):
        row: Row = {
            "image": name,
            "frame": frame,
            "iou": iou,
            "true_cells": scores.true_cells,
            "found_cells": scores.found_cells,
            "tp": int(scores.hits[n]),
            "fp": int(scores.extras[n]),
            "fn": int(scores.misses[n]),
        }
        row |= {key: _rounded(getattr(scores, key)[n]) for key in SCORES}
        row["aji"] = _rounded(scores.aji)
        if (boundary := scores.boundary) is not None:
            row["boundary_precision"] = _rounded(boundary.precision)
            row["boundary_recall"] = _rounded(boundary.recall)
            row["boundary_f"] = _rounded(boundary.f_score)
        yield row


def _class_row(image: str, name: str, scores: ClassScores) -> Row:
    return {
        "image": image,
        "class": name or "no class",
        "true_cells": scores.true_cells,
        "found_cells": "" if scores.found_cells is None else scores.found_cells,
        "matched": scores.matched,
        "recall": _rounded(scores.recall),
        "mean_iou": _rounded(scores.mean_iou),
        "ap": _rounded(scores.ap),
    }


def _write(path: Path, rows: Sequence[Row], heads: Sequence[str] = ()) -> None:
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, heads or list(rows[0]))
        writer.writeheader()
        # What is not known is an empty field.
        writer.writerows(
            {k: "" if v is None else v for k, v in row.items()} for row in rows
        )


def _plain(row: Row) -> Row:
    return {key: None if value == "" else value for key, value in row.items()}


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
