"""``cellpose-studio models``: the list of models, and their cards."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from cellpose_studio.cli.outcome import ALL_DONE
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.models.card import NO_CARD, ModelCard
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.catalogue import find, shipped
from cellpose_studio.io.atomic import replacing


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    parser.add_argument("model", nargs="?", help="name or weight file")
    parser.add_argument(
        "--for-cellpose",
        type=Path,
        metavar="FILE",
        help="write the model as a weight file that Cellpose 1 to 3 can run",
    )
    parser.set_defaults(command=_models, parser=parser)


def _models(options: argparse.Namespace) -> int:
    if options.for_cellpose and not options.model:
        options.parser.error("--for-cellpose needs the name of a model")
    if options.for_cellpose:
        _write_for_cellpose(find(options.model), options.for_cellpose)
        return ALL_DONE
    if options.model:
        print("\n".join(_card(find(options.model))))
        return ALL_DONE
    specs = shipped()
    width = max(len(spec.name) for spec in specs)
    for spec in specs:
        print(f"{spec.name:{width}}  {spec.description}")
    return ALL_DONE


def _write_for_cellpose(spec: ModelSpec, file: Path) -> None:
    # This imports torch, which cards do not need.
    from cellpose_studio.engine.networks.widening import write_for_cellpose

    if file.exists():
        raise CannotSave(f"{file} exists already.", "Choose another name.")
    with replacing(file) as part:
        write_for_cellpose(spec, part)
    print(
        f"{file}: runs in Cellpose 1 to 3 with the diameter of your cells "
        f"(trained on cells of {spec.diam_labels:.0f} px)"
    )


def _card(spec: ModelSpec) -> Iterator[str]:
    yield spec.label
    if spec.description:
        yield spec.description
    if spec.card is None:
        yield NO_CARD
    else:
        yield from _of_card(spec.card)
    yield f"Licence: {spec.licence or 'not stated'}"
    yield f"SHA-256: {spec.sha256}"


def _of_card(card: ModelCard) -> Iterator[str]:
    if card.purpose:
        yield f"For: {card.purpose}"
    if card.not_for:
        yield f"Not for: {card.not_for}"
    for row in card.accuracy:
        yield (
            f"AP at IoU 0.5 / 0.75 / 0.9 on {row.kind} ({row.images}): "
            f"{row.ap50:.3f} / {row.ap75:.3f} / {row.ap90:.3f}"
        )
    for data in card.data:
        about = f"; {data.about}; {data.licence}" if data.about else ""
        count = f"{data.images} images, {data.cells} cells"
        yield f"Trained on: {data.name}, {count}{about}"
        for group in data.left_out:
            yield f"Left out, {group.reason}: {', '.join(group.files)}"
    yield f"By: {card.command}"
    yield f"On {card.date}, in {card.minutes:.0f} min, seed {card.seed}: {card.machine}"
