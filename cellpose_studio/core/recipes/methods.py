"""Description of how masks were made as a paragraph for the methods section of a paper.

Masks of several images are told of together: those that the same versions and the same
model have made are one paragraph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cellpose_studio.core.models.card import ModelCard
from cellpose_studio.core.models.papers import CELLPOSE_1, SCIKIT_LEARN
from cellpose_studio.core.provenance.classes.class_work import ClassWork
from cellpose_studio.core.provenance.hand_work import NO_HAND_WORK, HandWork
from cellpose_studio.core.provenance.record import ModelRecord, RunRecord
from cellpose_studio.core.recipes.citations import network_paper, paper_of
from cellpose_studio.core.recipes.edits import (
    cells_were,
    describe_edits,
    effective_edits,
)
from cellpose_studio.core.recipes.hand_sentences import (
    NamedWork,
    corrected_sentences,
    merged_sentences,
)
from cellpose_studio.core.recipes.run_sentences import (
    images_named,
    run_sentences,
    thresholds,
)
from cellpose_studio.core.runs.parameters import SegmentationParameters

_REFERENCES = "\n\nReferences\n"


@dataclass(frozen=True, kw_only=True)
class MadeMasks:
    """How the masks of an image were made.

    Attributes
    ----------
    image
        Its name.
    record
        Of the run that made them; None without a run.
    hand
        What was done by hand before and after that.
    cells
        Number of cells now; None if unknown.
    origin
        Where they were imported from, "from a_masks.tif"; empty if they were not.
    thresholds
        Of masks that were made from the flows of an imported file.
    """

    image: str
    record: RunRecord | None = None
    hand: HandWork = NO_HAND_WORK
    cells: int | None = None
    origin: str = ""
    thresholds: SegmentationParameters | None = None


CardOf = Callable[[ModelRecord], ModelCard | None]


def as_methods_of_images(
    images: Sequence[Sequence[MadeMasks]],
    card_of: CardOf,
    classes: ClassWork | None = None,
) -> str:
    """Return paragraphs about the masks of images, and the papers to cite.

    Parameters
    ----------
    images
        At least one, each with its masks: more than one, in their order, if several
        runs have made them.
    card_of
        Returns the card of a model, if it has one.
    classes
        The classes of all cells.
    """
    groups: dict[object, list[MadeMasks]] = {}
    for masks in images:
        seen: Counter[object] = Counter()
        for one in masks:
            kind = _kind(one)
            # Another run of the same kind on one image is not one on another image.
            groups.setdefault((kind, seen[kind]), []).append(one)
            seen[kind] += 1
    paragraphs: list[str] = []
    papers: list[str] = []
    for several in groups.values():
        record = several[0].record
        card = None if record is None else card_of(record.model)
        paragraphs.append(" ".join(_sentences(several, card)))
        papers += _papers([one.record for one in several if one.record], card)
    if classes is not None:
        paragraphs[-1] += f" {classes.text}"
        papers += [SCIKIT_LEARN.full] if classes.classifiers else []
    # The network and the model may come from the same paper.
    cited = "\n".join(dict.fromkeys(papers))
    text = "\n\n".join(paragraphs)
    return f"{text}{_REFERENCES}{cited}\n" if cited else f"{text}\n"


def as_methods(
    record: RunRecord,
    hand: HandWork = NO_HAND_WORK,
    card: ModelCard | None = None,
    cells: int | None = None,
    classes: ClassWork | None = None,
) -> str:
    """Return a paragraph on the masks of one run, and the papers to cite.

    Parameters
    ----------
    card
        Card of the model, if it has one.
    cells
        Number of cells after the edits.
    classes
        The classes of cells.
    """
    made = MadeMasks(image=record.image.name, record=record, hand=hand, cells=cells)
    return as_methods_of_images([[made]], lambda _: card, classes)


def _kind(masks: MadeMasks) -> object:
    """Return what masks have in common that are told of in one paragraph."""
    record = masks.record
    if record is None:
        return bool(masks.origin), masks.thresholds is not None
    versions = tuple(sorted(record.versions.items()))
    return versions, record.model.sha256, record.parameters.region is not None


def _sentences(masks: Sequence[MadeMasks], card: ModelCard | None) -> Iterator[str]:
    works = [NamedWork(one.image, one.hand) for one in masks]
    counts = [one.cells for one in masks if one.cells is not None]
    cells = sum(counts) if len(counts) == len(masks) else None
    records = [one.record for one in masks if one.record is not None]
    if not records:
        yield from _without_run(masks, works, cells)
        return
    yield from run_sentences(records, card)
    yield from merged_sentences(works)
    what = "The result was" if len(masks) == 1 else "The results were"
    yield from corrected_sentences(works, what, cells)


def _without_run(
    masks: Sequence[MadeMasks], works: Sequence[NamedWork], cells: int | None
) -> Iterator[str]:
    first = masks[0]
    made = "imported" if first.origin else "drawn by hand"
    of = ""
    if len(masks) > 1:
        of = f" of {images_named([one.image for one in masks])}"
    elif first.origin:
        made = f"imported {first.origin}"
    yield f"Masks{of} were {made}, with Cellpose Studio."
    changed = [one.thresholds for one in masks if one.thresholds is not None]
    if changed:
        files = "that file" if len(masks) == 1 else "these files"
        yield f"They were made anew from the flows of {files}."
        yield f"{thresholds(changed)}."
    yield from merged_sentences(works)
    if first.origin:
        yield from corrected_sentences(works, "They were", None)
    else:
        drawn = [entry for one in works for entry in one.hand.after]
        if effective_edits(drawn):
            yield f"Steps: {describe_edits(drawn)}."
    if cells is not None:
        yield f"{cells_were(cells)} there at the end."


def _papers(records: Sequence[RunRecord], card: ModelCard | None) -> Iterator[str]:
    if not records:
        return
    model = records[0].model
    yield CELLPOSE_1.full
    yield network_paper(model).full
    if (paper := paper_of(model)) is not None:
        yield paper.full
    for data in card.data if card else ():
        yield from data.papers
    for record in records:
        for step in record.parameters.preparation:
            yield from (paper.full for paper in step.papers)
