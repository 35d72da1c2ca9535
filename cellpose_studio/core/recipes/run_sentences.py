"""Sentences of a methods section on the runs of one or several images.

What holds for all images is told once. Numbers that differ are told as a range, and
everything else together with the images that it holds for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cellpose_studio.core.models.architecture import ARCHITECTURES
from cellpose_studio.core.models.card import ModelCard, TrainingData
from cellpose_studio.core.models.papers import CELLPOSE_1
from cellpose_studio.core.provenance.record import ModelRecord, RunRecord
from cellpose_studio.core.recipes.changed import changed_parameters
from cellpose_studio.core.recipes.citations import network_paper, paper_of
from cellpose_studio.core.recipes.edits import cells_were
from cellpose_studio.core.runs.parameters import GREY, SegmentationParameters
from cellpose_studio.core.runs.preparation.steps import names_after
from cellpose_studio.core.runs.volumes import flow_smoothing
from cellpose_studio.core.wording import first_names, image_count, listed

Records = Sequence[RunRecord]

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
_MOST_NAMES = 3
"""Images that are named; of more, their number is told."""


def run_sentences(records: Records, card: ModelCard | None) -> Iterator[str]:
    """Yield what was run, and how many cells were found.

    Parameters
    ----------
    records
        At least one, all of the same versions and model, and either all or none limited
        to a region.
    card
        Of that model, if it has one.
    """
    first = records[0]
    yield (
        f"Cells in {images_named([one.image.name for one in records])} were segmented "
        f"with {_software(first)}, using the model {_model(first.model)}."
    )
    if data := _training(card):
        yield data
    yield from _each(records, _device)
    yield from _settings(records)
    found = [one.cells for one in records if one.cells is not None]
    if len(found) == len(records):
        spread = f", {_span(found)} in an image" if len(found) > 1 else ""
        yield f"{cells_were(sum(found))} found{spread}."


def images_named(names: Sequence[str]) -> str:
    """Return a name, or the number of images with the first names."""
    if len(names) == 1:
        return names[0]
    return f"{image_count(len(names))} ({first_names(names, _MOST_NAMES)})"


def images_told(names: Sequence[str], count: int) -> str:
    """Return the images that a sentence holds for; "" if that is all of ``count``."""
    if len(names) == count:
        return ""
    few = len(names) <= _MOST_NAMES
    return f" (in {listed(names) if few else image_count(len(names))})"


def thresholds(several: Sequence[SegmentationParameters]) -> str:
    """Return a sentence on those that masks were made with, without its full stop."""
    chance = _span([one.cellprob_threshold for one in several])
    parts = [f"the threshold of the cell probability {chance}"]
    is_volume = several[0].do_3D
    if not is_volume:
        flow = _span([one.flow_threshold for one in several])
        parts.insert(0, f"the flow threshold was {flow}")
    else:
        parts[0] = parts[0].replace("probability", "probability was")
    smallest = _span([one.min_size for one in several])
    unit = "voxels" if is_volume else "px"
    parts.append(f"the size of the smallest cell {smallest} {unit}")
    text = listed(parts)
    return f"{text[0].upper()}{text[1:]}"


def _each(records: Records, tell: Callable[[RunRecord], str]) -> Iterator[str]:
    """Yield what is told of each record, once; with the images if not of all.

    ``tell`` returns a sentence without its full stop; "" for nothing to tell.
    """
    found: dict[str, list[str]] = {}
    for one in records:
        found.setdefault(tell(one), []).append(one.image.name)
    for text, names in sorted(found.items(), key=lambda pair: -len(pair[1])):
        if text:
            yield f"{text}{images_told(names, len(records))}."


def _told(some: Records, every: Records) -> str:
    return images_told([one.image.name for one in some], len(every))


def _span(values: Sequence[float], form: str = "g") -> str:
    """Return a number, or the range of different ones."""
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


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
    if not record.device:
        return ""
    name = record.device_title or record.device
    where = "a processor" if name == "CPU" else name
    precision = f" in {record.precision}" if record.precision else ""
    return f"The network ran on {where}{precision}"


def _settings(records: Records) -> Iterator[str]:
    if records[0].parameters.region is not None:
        yield from _each(records, _region if len(records) == 1 else _any_region)
    yield from _each(records, _prepared)
    of = "the image" if len(records) == 1 else "each image"
    yield from _each(records, lambda one: _channels(one, of))
    yield from _diameters(records)
    yield from _each(records, _volume)
    yield from _each(
        records,
        lambda one: (
            "Time points were segmented one by one" if one.image.shape[0] > 1 else ""
        ),
    )
    for in_3d in (False, True):
        if several := [one for one in records if one.parameters.do_3D == in_3d]:
            text = thresholds([one.parameters for one in several])
            yield f"{text}{_told(several, records)}."
    yield from _cleaned(records)
    yield from _each(
        records, lambda one: one.search.sentence.rstrip(".") if one.search else ""
    )
    yield from _skipped(records)
    yield from _each(records, _more)


def _region(record: RunRecord) -> str:
    return f"The run {_limited(record)}: {record.parameters.region}"


def _any_region(record: RunRecord) -> str:
    return f"Each run {_limited(record)}"


def _limited(record: RunRecord) -> str:
    region = record.parameters.region
    cells = "cells of which at least half lay in it"
    if region is not None and region.cell_at is not None:
        cells = "the cell at that point"
    return f"was limited to a region and took {cells}"


def _prepared(record: RunRecord) -> str:
    steps = [step.phrase for step in record.parameters.preparation]
    return f"Before the network, {', and then '.join(steps)}" if steps else ""


def _channels(record: RunRecord, of: str) -> str:
    known = _channel_names(record)
    words = []
    for c in record.parameters.channels:
        if c == GREY:
            words.append("the mean of all channels")
        elif c is not None:
            words.append(known.get(c, f"channel {c} of {of}"))
    return f"It saw {' and '.join(words)}" if words else ""


def _channel_names(record: RunRecord) -> dict[int, str]:
    """Return what channels with names are called, by their number."""
    own = record.image.shape[1]
    names = [f"Channel {n}" for n in range(1, own + 1)]
    # Records of earlier versions do not have the names.
    after = names_after(
        record.image.channel_names or names, record.parameters.preparation
    )
    return {
        n: f"the channel “{name}” (channel {n})"
        for n, name in enumerate(after, 1)
        if name != f"Channel {n}"
    }


def _diameters(records: Records) -> Iterator[str]:
    """Yield the diameter, or the range of those that were chosen in the same way."""
    by_how: dict[str, list[RunRecord]] = {}
    for one in records:
        if one.parameters.diameter is not None:
            by_how.setdefault(_how_wide(one), []).append(one)
    for how, several in by_how.items():
        which = "image was" if len(several) == 1 else "images were"
        each = "the image" if len(several) == 1 else "each image"
        text = how.format(width=_width(several), each=each, which=which)
        yield f"{text}{_told(several, records)}."


def _how_wide(record: RunRecord) -> str:
    # Records of earlier versions do not tell who chose the value.
    if record.automatic is None:
        return "The diameter was {width}"
    if "diameter" not in record.automatic:
        return "The diameter was set to {width}"
    info = ARCHITECTURES.get(record.model.architecture)
    if info is not None and not info.scales_images:
        return "No diameter was set: the {which} not scaled for the network"
    return "The diameter was measured on {each}: {width}"


def _width(records: Records) -> str:
    diameters = [one.parameters.diameter or 0.0 for one in records]
    sizes = [one.image.pixel_size_um[1] for one in records]
    known = [d * size for d, size in zip(diameters, sizes, strict=True) if size]
    micro = f" ({_span(known, '.3g')} µm)" if len(known) == len(records) else ""
    return f"{_span(diameters)} px{micro}"


def _volume(record: RunRecord) -> str:
    parameters = record.parameters
    if parameters.do_3D:
        return (
            "The stack was segmented in 3D, from three sides, with an anisotropy of "
            f"{_anisotropy(record)}"
        )
    if record.image.shape[2] == 1:
        return ""
    if parameters.stitch_threshold > 0:
        return (
            "Planes were segmented one by one, and cells of neighbouring planes "
            f"joined at an overlap (IoU) of {parameters.stitch_threshold:g}"
        )
    return "Planes were segmented one by one"


def _anisotropy(record: RunRecord) -> str:
    value = f"{record.parameters.anisotropy or 1:g}"
    if "anisotropy" not in (record.automatic or ()):
        return value
    depth, height, _ = record.image.pixel_size_um
    if depth and height:
        return f"{value}, by the distances of its planes and pixels"
    return f"{value}, which was assumed"


def _cleaned(records: Records) -> Iterator[str]:
    cleaned = [one for one in records if one.parameters.cleans]
    if cleaned:
        told = _told(cleaned, records)
        yield f"Pixels followed the flows {_followed(cleaned)}{told}."
    yield from _each(records, _kept)
    yield from _each(records, _smoothed)


def _followed(records: Records) -> str:
    """Return how long pixels followed the flows."""
    steps = [one.steps for one in records if one.steps is not None]
    needed = [one.steps_needed for one in records if one.steps_needed is not None]
    if any(one.steps is not None and one.steps_needed == one.steps for one in records):
        return f"for {_span(steps)} steps, after which some still moved"
    rest = "until they came to rest"
    if len(needed) == len(records):
        return f"{rest}, the last ones after {max(needed)} steps"
    return f"{rest}, for {max(steps)} steps at most" if steps else rest


def _kept(record: RunRecord) -> str:
    if not record.parameters.cleans:
        return ""
    text = "Of cells in several parts, the largest part was kept"
    if record.parameters.doubts:
        text += (
            ", and where the network was sure of hardly any cell of a plane, the "
            "doubtful ones were left out"
        )
    return text


def _smoothed(record: RunRecord) -> str:
    if not (record.parameters.cleans and record.parameters.do_3D):
        return ""
    # Without full resolution, it is the same width in space.
    full = record.parameters.model_copy(update={"resample": True})
    z, y, _ = flow_smoothing(full, 1.0)
    return f"Flows were smoothed over {y:.3g} px, along Z over {z:.3g} planes"


def _skipped(records: Records) -> Iterator[str]:
    blocks = [one.blocks for one in records if one.blocks is not None]
    empty = sum(one.skipped_tiles for one in blocks)
    if empty:
        tiles = _number(sum(one.tiles for one in blocks), "tile")
        image = "image" if len(blocks) == 1 else "images"
        yield f"Of {tiles} of the {image}, {empty} showed nothing and were not run."


def _more(record: RunRecord) -> str:
    parts = []
    for name, value in changed_parameters(record.parameters).items():
        if name not in _ALWAYS_MENTIONED:
            shown = value if not isinstance(value, tuple) else list(value)
            parts.append(f"{name} = {shown}")
    return (
        f"Other settings than Cellpose's defaults: {', '.join(parts)}" if parts else ""
    )
