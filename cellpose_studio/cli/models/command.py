"""``cellpose-studio models``: the list of models, their cards, and downloads."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from cellpose_studio.cli.models.published import check, get, list_available
from cellpose_studio.cli.output.outcome import ALL_DONE, Outcome
from cellpose_studio.cli.output.progress import Progress
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.models.card import NO_CARD, ModelCard
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.catalogue import find, shipped, trained
from cellpose_studio.io.atomic import replacing


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="MODEL",
        help="name or weight file whose card is shown; or: get NAME…, to download "
        "models that Cellpose has published; or: check [NAME…], to compare the files "
        "of installed ones with their hashes; or: add PACKAGE…, to add the models of "
        "packages of bioimage.io (ZIP or folder)",
    )
    parser.add_argument(
        "--available",
        action="store_true",
        help="list the models that Cellpose has published",
    )
    parser.add_argument(
        "--accept-licence",
        action="store_true",
        help="download models that are for non-commercial use only",
    )
    parser.add_argument(
        "--for-cellpose",
        type=Path,
        metavar="FILE",
        help="write the model as a weight file that Cellpose 1 to 3 can run",
    )
    parser.add_argument(
        "--bioimageio",
        type=Path,
        metavar="FILE",
        help="write the model with its card as a package of bioimage.io (ZIP)",
    )
    parser.add_argument(
        "--author", default="unknown", help="author in the package (default: unknown)"
    )
    parser.add_argument(
        "--licence",
        metavar="SPDX",
        help="licence of the package, by its SPDX identifier, such as CC-BY-4.0 "
        "(default: that of the model)",
    )
    parser.set_defaults(command=_models, parser=parser)


def _models(options: argparse.Namespace) -> int:
    if options.words[:1] in (["get"], ["check"]):
        verb, *names = options.words
        if verb == "check":
            return check(names)
        if not names:
            options.parser.error("get needs the name of a model")
        return get(names, options.accept_licence)
    if options.words[:1] == ["add"]:
        if len(options.words) == 1:
            options.parser.error("add needs the ZIP or the folder of a package")
        return _add([Path(word) for word in options.words[1:]])
    if len(options.words) > 1:
        options.parser.error("one model at a time has its card shown")
    model = next(iter(options.words), "")
    if options.for_cellpose and not model:
        options.parser.error("--for-cellpose needs the name of a model")
    if options.for_cellpose:
        _write_for_cellpose(find(model), options.for_cellpose)
        return ALL_DONE
    if options.bioimageio and not model:
        options.parser.error("--bioimageio needs the name of a model")
    if options.bioimageio:
        _write_package(find(model), options)
        return ALL_DONE
    if model:
        print("\n".join(_card(find(model))))
        return ALL_DONE
    if options.available:
        return list_available()
    rows = [(spec.name, spec.description) for spec in shipped()]
    rows += [(name, f"Yours: {file}") for name, file in trained().items()]
    width = max(len(name) for name, _ in rows)
    for name, about in rows:
        print(f"{name:{width}}  {about}")
    return ALL_DONE


def _add(packages: list[Path]) -> int:
    """Add the models of packages of bioimage.io."""
    from cellpose_studio.workflows.training.bioimageio.read import import_package

    outcome = Outcome()
    with Progress() as progress:
        for package in packages:
            with outcome.collect_failures(package):
                path = import_package(package, Checkpoint(progress.report))
                progress.print_line(f"{package.name}: {path}")
                outcome.done += 1
    outcome.print_failures()
    return outcome.exit_code


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


def _write_package(spec: ModelSpec, options: argparse.Namespace) -> None:
    from cellpose_studio.workflows.training.bioimageio.write import write_package

    out, licence = options.bioimageio, options.licence or spec.licence
    if out.exists():
        raise CannotSave(f"{out} exists already.", "Choose another name.")
    if not licence:
        options.parser.error(f"{spec.label} states no licence: give one by --licence")
    write_package(spec, options.author, licence, out)
    print(f"{out}: {spec.label}, under {licence}")


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
    if card.authors:
        yield f"By: {'; '.join(card.authors)}"
    for reference in card.cite:
        yield f"Please cite: {reference}"
    if card.parent:
        yield f"Trained from: {card.parent} (SHA-256 {card.parent_sha256})"
    if card.comparison is not None:
        yield f"It is {card.comparison}"
    for data in card.data:
        about = f"; {data.about}; {data.licence}" if data.about else ""
        count = f"{data.images} images, {data.cells} cells"
        yield f"Trained on: {data.name}, {count}{about}"
        for group in data.left_out:
            yield f"Left out, {group.reason}: {', '.join(group.files)}"
    if card.command:
        yield f"By: {card.command}"
    if card.date:
        took = f", in {card.duration}" if card.duration else ""
        yield f"On {card.date}{took}, seed {card.seed}: {card.machine}"
    if card.documentation:
        yield f"\n{card.documentation}"
