"""Description of a run as a paragraph for the methods section of a paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cellpose_studio.core.models.architecture import ARCHITECTURES
from cellpose_studio.core.models.card import ModelCard, TrainingData
from cellpose_studio.core.models.papers import CELLPOSE_1, SCIKIT_LEARN
from cellpose_studio.core.provenance.classes.class_work import ClassWork
from cellpose_studio.core.provenance.hand_work import NO_HAND_WORK, HandWork
from cellpose_studio.core.provenance.record import ModelRecord, RunRecord
from cellpose_studio.core.provenance.revision import JournalEntry
from cellpose_studio.core.recipes.changed import changed_parameters
from cellpose_studio.core.recipes.citations import network_paper, paper_of
from cellpose_studio.core.recipes.edits import (
    cells_were,
    describe_edits,
    effective_edits,
    merged_parts,
)
from cellpose_studio.core.runs.parameters import GREY, SegmentationParameters
from cellpose_studio.core.runs.preparation.steps import names_after
from cellpose_studio.core.runs.region import Region
from cellpose_studio.core.runs.volumes import flow_smoothing
from cellpose_studio.core.wording import listed

_ALWAYS_MENTIONED = frozenset(
    {
        "channels",
        "diameter",
        "flow_threshold",
        "cellprob_threshold",
        "min_size",
        "do_3D",
        "stitch_threshold",
        "anisotropy",
        "region",
        "preparation",
        "postprocessing",
        "batch_size",  # It does not change the result.
    }
)

_REFERENCES = "\n\nReferences\n"


def as_methods(
    record: RunRecord,
    hand: HandWork = NO_HAND_WORK,
    card: ModelCard | None = None,
    cells: int | None = None,
    classes: ClassWork | None = None,
) -> str:
    """Return a paragraph, and the papers to cite.

    Parameters
    ----------
    card
        Card of the model, if it has one.
    cells
        Number of cells after the edits.
    classes
        The classes of cells.
    """
    text = " ".join([*_sentences(record, hand, card, cells), *_classes(classes)])
    steps = record.parameters.preparation
    # The network and the model may come from the same paper.
    papers = "\n".join(
        dict.fromkeys(
            [
                *_papers(record.model, card),
                *(p.full for step in steps for p in step.papers),
                *_of_classifier(classes),
            ]
        )
    )
    return f"{text}{_REFERENCES}{papers}\n"


def join_methods(paragraphs: Sequence[str]) -> str:
    """Return several paragraphs, the earliest first, with one list of references."""
    parts = [text.rstrip("\n").partition(_REFERENCES) for text in paragraphs]
    papers = [line for _, _, lines in parts for line in lines.splitlines()]
    text = "\n\n".join(paragraph for paragraph, _, _ in parts)
    listed_once = "\n".join(dict.fromkeys(papers))
    return f"{text}{_REFERENCES}{listed_once}\n"


def as_methods_without_run(
    origin: str,
    hand: HandWork,
    cells: int,
    thresholds: SegmentationParameters | None = None,
    classes: ClassWork | None = None,
) -> str:
    """Return a paragraph about masks that no run made.

    Parameters
    ----------
    origin
        Where they were imported from, "from a_masks.tif"; empty if they were drawn.
    cells
        Number of cells now.
    thresholds
        Of masks that were made from the flows of the imported file.
    classes
        The classes of cells.
    """
    made = f"imported {origin}" if origin else "drawn by hand"
    sentences = [f"Masks were {made}, with Cellpose Studio."]
    if thresholds is not None:
        sentences.append("They were made anew from the flows of that file.")
        sentences.append(f"{_thresholds(thresholds)}.")
    sentences += _merged(hand)
    if what := _steps(hand.after) if origin else describe_edits(hand.after):
        how = f"They were corrected by hand in {what}." if origin else f"Steps: {what}."
        sentences.append(how)
    sentences.append(f"{cells_were(cells)} there at the end.")
    sentences += _classes(classes)
    papers = "".join(f"{_REFERENCES}{paper}" for paper in _of_classifier(classes))
    return f"{' '.join(sentences)}{papers}\n"


def _classes(classes: ClassWork | None) -> Iterator[str]:
    if classes is not None:
        yield classes.text


def _of_classifier(classes: ClassWork | None) -> Iterator[str]:
    if classes is not None and classes.classifiers:
        yield SCIKIT_LEARN.full


def _sentences(
    record: RunRecord,
    hand: HandWork,
    card: ModelCard | None,
    cells: int | None,
) -> Iterator[str]:
    yield (
        f"Cells in {record.image.name} were segmented with {_software(record)}, "
        f"using the model {_model(record.model)}."
    )
    if data := _training(card):
        yield data
    if record.device:
        yield f"The network ran on {_device(record)}."
    yield from _settings(record)
    if record.cells is not None:
        yield f"{cells_were(record.cells)} found."
    yield from _merged(hand)
    if what := _steps(hand.after):
        yield f"The result was corrected by hand in {what}."
        if cells is not None:
            yield f"{cells_were(cells)} there after that."


def _merged(hand: HandWork) -> Iterator[str]:
    """Yield what masks took over from those before them."""
    if hand.was_merged:
        yield f"Of earlier masks, {' and '.join(merged_parts(hand))}."
    if what := _steps(hand.before):
        yield f"The earlier masks had been corrected by hand in {what}."
    if hand.was_merged and hand.together is not None:
        yield f"Together, {cells_were(hand.together)} there."


def _steps(edits: Sequence[JournalEntry]) -> str:
    """Return "2 steps: Delete cell, Fill"; empty if no edit is in force."""
    changes = len(effective_edits(edits))
    if not changes:
        return ""
    return f"{changes} {'step' if changes == 1 else 'steps'}: {describe_edits(edits)}"


def _software(record: RunRecord) -> str:
    versions = record.versions
    beside = ("cellpose", "torch", "python")
    names = {"cellpose": "Cellpose", "torch": "PyTorch", "python": "Python"}
    more = [f"{names[p]} {versions[p]}" for p in beside if p in versions]
    own = f"Cellpose Studio {versions.get('cellpose-studio', '')}".strip()
    return f"{own} ({', '.join(more)})" if more else own


def _model(model: ModelRecord) -> str:
    info = ARCHITECTURES.get(model.architecture)
    kind = model.architecture if info is None else info.description
    if model.source == "shipped":
        origin = f"trained with Cellpose Studio; {CELLPOSE_1.short}"
    elif (paper := paper_of(model)) is not None:
        origin = paper.short
    else:
        origin = f"own weights; {network_paper(model).short}"
    name = model.title or model.name
    return f"“{name}” ({kind}, {origin}; SHA-256 of the weights {model.sha256[:16]}…)"


def _training(card: ModelCard | None) -> str:
    if card is None or not card.data:
        return ""
    parts = [_training_data(data) for data in card.data]
    return f"That model was trained on {listed(parts)}."


def _training_data(data: TrainingData) -> str:
    # The name is that of a folder, which says nothing to a reader.
    kind = "synthetic image" if data.synthetic else "image"
    images, cells = _number(data.images, kind), _number(data.cells, "cell")
    return f"{images} with {cells}{f' ({data.about})' if data.about else ''}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _device(record: RunRecord) -> str:
    name = record.device_title or record.device
    where = "a processor" if name == "CPU" else name
    return f"{where} in {record.precision}" if record.precision else where


def _settings(record: RunRecord) -> Iterator[str]:
    parameters = record.parameters
    if parameters.region is not None:
        yield _region(parameters.region)
    if parameters.preparation:
        steps = [step.phrase for step in parameters.preparation]
        yield f"Before the network, {', and then '.join(steps)}."
    if parameters.channels:
        yield f"It saw {_channels(record)}."
    if parameters.diameter is not None:
        yield _diameter(record)
    if parameters.do_3D:
        yield (
            "The stack was segmented in 3D, from three sides, with an anisotropy of "
            f"{_anisotropy(record)}."
        )
    elif record.image.shape[2] > 1 and parameters.stitch_threshold > 0:
        yield (
            "Planes were segmented one by one, and cells of neighbouring planes "
            f"joined at an overlap (IoU) of {parameters.stitch_threshold:g}."
        )
    elif record.image.shape[2] > 1:
        yield "Planes were segmented one by one."
    if record.image.shape[0] > 1:
        yield "Time points were segmented one by one."
    yield f"{_thresholds(parameters)}."
    if parameters.cleans:
        yield _cleaned(record)
    if record.search is not None:
        yield record.search.sentence
    if record.blocks is not None and (empty := record.blocks.skipped_tiles):
        yield (
            f"Of {_number(record.blocks.tiles, 'tile')} of the image, {empty} showed "
            "nothing and were not run."
        )
    if more := _more(parameters):
        yield f"Other settings than Cellpose's defaults: {more}."


def _region(region: Region) -> str:
    cells = "cells of which at least half lay in it"
    if region.cell_at is not None:
        cells = "the cell at that point"
    return f"The run was limited to a region and took {cells}: {region}."


def _channels(record: RunRecord) -> str:
    made = _made(record)
    words = []
    for c in record.parameters.channels:
        if c == GREY:
            words.append("the mean of all channels")
        elif c is not None:
            words.append(made.get(c, f"channel {c} of the image"))
    return " and ".join(words)


def _made(record: RunRecord) -> dict[int, str]:
    """Return what the channels are called that steps have added, by their number."""
    own = record.image.shape[1]
    names = [f"channel {n}" for n in range(1, own + 1)]
    after = names_after(names, record.parameters.preparation)
    return {
        n: f"the channel “{name}” (channel {n})"
        for n, name in enumerate(after, 1)
        if n > own
    }


def _diameter(record: RunRecord) -> str:
    diameter = record.parameters.diameter or 0.0
    size = record.image.pixel_size_um[1]
    micro = f" ({diameter * size:.3g} µm)" if size else ""
    width = f"{diameter:g} px{micro}"
    # Records of earlier versions do not tell who chose the value.
    if record.automatic is None:
        return f"The diameter was {width}."
    if "diameter" not in record.automatic:
        return f"The diameter was set to {width}."
    info = ARCHITECTURES.get(record.model.architecture)
    if info is not None and not info.scales_images:
        return "No diameter was set: the image was not scaled for the network."
    return f"The diameter was measured on the image: {width}."


def _anisotropy(record: RunRecord) -> str:
    value = f"{record.parameters.anisotropy or 1:g}"
    if "anisotropy" not in (record.automatic or ()):
        return value
    depth, height, _ = record.image.pixel_size_um
    if depth and height:
        return f"{value}, by the distances of its planes and pixels"
    return f"{value}, which was assumed"


def _thresholds(parameters: SegmentationParameters) -> str:
    parts = [f"the threshold of the cell probability {parameters.cellprob_threshold:g}"]
    if not parameters.do_3D:
        parts.insert(0, f"the flow threshold was {parameters.flow_threshold:g}")
    else:
        parts[0] = parts[0].replace("probability", "probability was")
    unit = "voxels" if parameters.do_3D else "px"
    parts.append(f"the size of the smallest cell {parameters.min_size} {unit}")
    text = listed(parts)
    return text[0].upper() + text[1:]


def _cleaned(record: RunRecord) -> str:
    followed = "until they came to rest"
    if record.steps is not None:
        followed += f", for {record.steps} steps at most"
    text = f"Pixels followed the flows {followed}. Of cells in several parts, the "
    text += "largest part was kept"
    if record.parameters.doubts:
        text += (
            ", and where the network was sure of hardly any cell of a plane, the "
            "doubtful ones were left out"
        )
    if not record.parameters.do_3D:
        return f"{text}."
    # Without full resolution, it is the same width in space.
    full = record.parameters.model_copy(update={"resample": True})
    z, y, _ = flow_smoothing(full, 1.0)
    return f"{text}. Flows were smoothed over {y:.3g} px, along Z over {z:.3g} planes."


def _more(parameters: SegmentationParameters) -> str:
    parts = []
    for name, value in changed_parameters(parameters).items():
        if name not in _ALWAYS_MENTIONED:
            shown = value if not isinstance(value, tuple) else list(value)
            parts.append(f"{name} = {shown}")
    return ", ".join(parts)


def _papers(model: ModelRecord, card: ModelCard | None) -> Iterator[str]:
    yield CELLPOSE_1.full
    yield network_paper(model).full
    if (paper := paper_of(model)) is not None:
        yield paper.full
    for data in card.data if card else ():
        yield from data.papers
