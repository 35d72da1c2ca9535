"""Rows of the tables of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cellpose_studio.core.matching.evaluation.scores import Scores
from cellpose_studio.ui.measure.evaluation.model import TableHead, Value
from cellpose_studio.workflows.evaluation.items import EvaluatedImage, EvaluatedImages

Row = tuple[Value, ...]

LETTERS = ("A", "B")
"""Of the results, if there are two."""

_SCORES: tuple[tuple[str, str, Callable[[Scores], float]], ...] = (
    (
        "AP at 0.5",
        "Average precision, TP / (TP + FP + FN): cells that share at least half of "
        "their pixels (IoU 0.5), over all cells, found or true.",
        lambda one: float(one.ap[one.at(0.5)]),
    ),
    (
        "AP at 0.75",
        "The same for cells whose outlines fit well (IoU 0.75).",
        lambda one: float(one.ap[one.at(0.75)]),
    ),
    (
        "AP, 0.5–0.95",
        "Mean of the average precision at IoU 0.5, 0.55 … 0.95.",
        lambda one: float(np.mean(one.ap)),
    ),
    (
        "Precision",
        "Part of the found cells that are true ones, TP / (TP + FP), at IoU 0.5.",
        lambda one: float(one.precision[one.at(0.5)]),
    ),
    (
        "Recall",
        "Part of the true cells that were found, TP / (TP + FN), at IoU 0.5.",
        lambda one: float(one.recall[one.at(0.5)]),
    ),
    (
        "F1 (RQ)",
        "Harmonic mean of precision and recall at IoU 0.5; the recognition quality.",
        lambda one: float(one.f1[one.at(0.5)]),
    ),
    (
        "Mean IoU (SQ)",
        "Mean overlap of the cells that were found, at IoU 0.5; the segmentation "
        "quality.",
        lambda one: float(one.sq[one.at(0.5)]),
    ),
    (
        "Panoptic quality",
        "Segmentation quality times recognition quality, at IoU 0.5.",
        lambda one: float(one.pq[one.at(0.5)]),
    ),
    (
        "Aggregated Jaccard",
        "Pixels that paired cells share, over all pixels of cells, as Cellpose "
        "computes it.",
        lambda one: one.aji,
    ),
    (
        "Boundary F-score",
        "How well outlines agree: overlap of the pixels near found and near true "
        "outlines.",
        lambda one: float("nan") if one.boundary is None else one.boundary.f_score,
    ),
)

_OF_IMAGES = (*_SCORES[:3], *_SCORES[7:])

_COUNTS: tuple[tuple[str, str, Callable[[Scores], int]], ...] = (
    ("True cells", "True cells that count.", lambda one: one.true_cells),
    ("Found cells", "Found cells that count.", lambda one: one.found_cells),
    (
        "Missed at 0.5",
        "True cells that were not found, at IoU 0.5.",
        lambda one: int(one.misses[one.at(0.5)]),
    ),
    (
        "Extra at 0.5",
        "Found cells that are no true ones, at IoU 0.5.",
        lambda one: int(one.extras[one.at(0.5)]),
    ),
)

IMAGE_HEADS = (
    TableHead("Image", "Image, or time point of it. A click shows it."),
    TableHead("Masks", "Which masks were evaluated: A or B."),
    *(TableHead(title, tip) for title, tip, _ in _OF_IMAGES),
    *(TableHead(title.split()[0], tip) for title, tip, _ in _COUNTS),
)

ERROR_HEADS = (
    TableHead("What", "What is wrong with the cell."),
    TableHead("Image", "Image, and time point of a time series."),
    TableHead("True", "Numbers of the true cells."),
    TableHead("Found", "Numbers of the found cells."),
    TableHead("IoU", "Highest overlap with a cell of the other masks."),
    TableHead("Pixels", "Size of the cell."),
)

CLASS_HEADS = (
    TableHead("Class", "Class of the true cells."),
    TableHead("Masks", "Which masks were evaluated: A or B."),
    TableHead(
        "AP",
        "TP / (TP + FP + FN) of cells found in the right class; a dash if the found "
        "cells have no classes.",
    ),
    TableHead("True", "True cells of the class."),
    TableHead(
        "Found", "Found cells of the class; a dash if found cells have no classes."
    ),
    TableHead(
        "Right",
        "True cells of the class that were found, at IoU 0.5, in the same class.",
    ),
    TableHead("Recall", "Part of them that were found, at IoU 0.5, in any class."),
    TableHead("Mean IoU", "Mean overlap of those that were found."),
)


def summary_heads(letters: Sequence[str]) -> list[TableHead]:
    """Return the columns of the summary."""
    heads = [TableHead("Score", "Mean over the images that have cells.")]
    heads += [TableHead(one, f"Score of the masks {one}.") for one in letters]
    if len(letters) > 1:
        heads.append(TableHead("B − A", "Difference: above 0, B is better."))
    return heads


def summary_rows(results: Sequence[EvaluatedImages]) -> list[Row]:
    """Return the scores of all images, a column for each result."""
    rows: list[Row] = []
    for title, _, value in _SCORES:
        numbers = [one.mean(value) for one in results]
        difference = (numbers[1] - numbers[0],) if len(numbers) > 1 else ()
        rows.append((title, *numbers, *difference))
    totals = [one.total for one in results]
    for title, _, count in _COUNTS:
        counts = [count(one) for one in totals if one is not None]
        change = (counts[1] - counts[0],) if len(counts) > 1 else ()
        rows.append((title, *counts, *change))
    return rows


def summary_tips() -> list[str]:
    """Return what each row of the summary means."""
    return [tip for _, tip, _ in (*_SCORES, *_COUNTS)]


def image_rows(
    results: Sequence[EvaluatedImages],
) -> tuple[list[Row], list[tuple[int, int]]]:
    """Return the rows of images, and the id of the image and the frame of each."""
    rows: list[Row] = []
    targets: list[tuple[int, int]] = []
    for letter, result in zip(LETTERS, results, strict=False):
        for image in result.images:
            frames = image.evaluation.frames
            rows.append(_image_row(image.name, letter, image.evaluation.scores))
            targets.append((image.id, -1))
            for n, scores in enumerate(frames if len(frames) > 1 else ()):
                rows.append(_image_row(frame_name(image, n), letter, scores))
                targets.append((image.id, n))
    return rows, targets


def frame_name(image: EvaluatedImage, frame: int) -> str:
    """Return the name of an image, with the time point of a time series."""
    in_frames = len(image.evaluation.frames) > 1
    return f"{image.name}, T {frame + 1}" if in_frames else image.name


def class_rows(results: Sequence[EvaluatedImages]) -> list[Row]:
    """Return the rows of classes."""
    return [
        (
            name or "no class",
            letter,
            one.ap,
            one.true_cells,
            float("nan") if one.found_cells is None else one.found_cells,
            float("nan") if one.same is None else one.same,
            one.recall,
            one.mean_iou,
        )
        for letter, result in zip(LETTERS, results, strict=False)
        for name, one in result.classes.items()
    ]


def _image_row(name: str, letter: str, scores: Scores) -> Row:
    return (
        name,
        letter,
        *(value(scores) for _, _, value in _OF_IMAGES),
        *(count(scores) for _, _, count in _COUNTS),
    )
