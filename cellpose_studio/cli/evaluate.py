"""``cellpose-studio evaluate``: accuracy of masks against true masks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from cellpose_studio.cli.arguments.evaluation import (
    add_evaluation,
    columns_of,
    thresholds_of,
)
from cellpose_studio.cli.output.outcome import Outcome
from cellpose_studio.core.errors import MasksUnreadable, ParametersUnfit
from cellpose_studio.io.project.database import SUFFIX
from cellpose_studio.io.project.file import read_project

if TYPE_CHECKING:
    from cellpose_studio.core.matching.evaluation.class_scores import ClassScores
    from cellpose_studio.workflows.evaluation.items import ItemToEvaluate

_MEAN = "mean of 000 images"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    # Masks must come first: an option with several values would swallow them.
    parser.usage = (
        "%(prog)s PREDICTED TRUE [options]\n       %(prog)s PROJECT [options]"
    )
    parser.add_argument(
        "predicted", type=Path, help="label image, folder of them, or project"
    )
    parser.add_argument(
        "true",
        type=Path,
        nargs="?",
        help="true label image, or folder of them; none with a project",
    )
    parser.add_argument(
        "--axes",
        help="axes of masks that do not say: ZYX is a stack, TYX a time series, whose "
        "frames are compared one by one",
    )
    parser.add_argument(
        "--found",
        default="@run",
        metavar="MASKS",
        help="in a project, what is evaluated: NAME of masks, NAME@run for those "
        "before the corrections, NAME@MODEL for the newest run of a model, or "
        "NAME@NUMBER of a revision (default: @run of the masks shown)",
    )
    parser.add_argument(
        "--against",
        default="",
        metavar="MASKS",
        help="in a project, the true masks, named in the same way (default: those "
        "shown)",
    )
    add_evaluation(parser)
    parser.add_argument(
        "--per-class",
        action="store_true",
        help="in a project, also the scores of each class of cells",
    )
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from cellpose_studio.core.matching.evaluation.evaluate import EvaluationOptions
    from cellpose_studio.workflows.evaluation.items import (
        EvaluatedImage,
        EvaluatedImages,
        evaluate_item,
    )
    from cellpose_studio.workflows.evaluation.tables import write_csv, write_json

    wanted = EvaluationOptions(
        thresholds=thresholds_of(options),
        boundary=options.boundary
        if options.csv or options.json or "boundary" in options.metrics
        else None,
        without_border=options.without_border,
        with_errors=bool(options.csv or options.json),
    )
    columns = columns_of(options)
    outcome = Outcome()
    images = []
    with ExitStack() as open_files:
        items, title = _items(options, open_files)
        width = max(len(_MEAN), *(len(item.name) for item in items))
        titles = "".join(f"  {column.title:<8}" for column in columns)
        print(f"{'masks':{width}}{titles}   true  found")
        for item in items:
            with outcome.collect_failures(item.name):
                masks = item.read()
                result = evaluate_item(item.name, masks, wanted)
                if masks.note:
                    note = f"{item.name}: {masks.note}"
                    print(f"cellpose-studio: {note}", file=sys.stderr)
                outcome.done += 1
                scores = result.scores
                numbers = _numbers([column.value(scores) for column in columns])
                counts = f"  {scores.true_cells:5d}  {scores.found_cells:5d}"
                print(f"{item.name:{width}}{numbers}{counts}")
                images.append(
                    EvaluatedImage(name=item.name, id=item.id, evaluation=result)
                )
    every = EvaluatedImages(options=wanted, title=title, images=tuple(images))
    # An image without cells, true or found, has no precision.
    with_cells = [one.evaluation.scores for one in images]
    with_cells = [one for one in with_cells if one.true_cells + one.found_cells]
    if with_cells:
        unit = "image" if len(with_cells) == 1 else "images"
        mean = _numbers([every.mean(column.value) for column in columns])
        print(f"{f'mean of {len(with_cells)} {unit}':{width}}{mean}")
    _print_classes(every.classes)
    if options.csv and images:
        files = ", ".join(file.name for file in write_csv(options.csv, every))
        print(f"scores -> {files}")
    if options.json and images:
        write_json(options.json, every)
        print(f"scores -> {options.json.name}")
    outcome.print_failures()
    return outcome.exit_code


def _items(
    options: argparse.Namespace, open_files: ExitStack
) -> tuple[Sequence[ItemToEvaluate], str]:
    """Return what is evaluated, and a title for it."""
    if options.predicted.suffix == SUFFIX:
        return _items_of_project(options, open_files)
    from cellpose_studio.workflows.evaluation.files import items_of_files, masks_pairs

    if options.true is None:
        raise ParametersUnfit(
            f"{options.predicted.name} is no project, and has nothing to be compared "
            "with.",
            "Give the true masks after it.",
        )
    if options.per_class:
        raise ParametersUnfit(
            "Files of masks have no classes of cells.", "Give a project instead."
        )
    found = masks_pairs(options.predicted, options.true)
    if found.alone:
        names = ", ".join(path.name for path in found.alone)
        print(f"cellpose-studio: without a partner: {names}", file=sys.stderr)
    ignore = Path(options.ignore) if options.ignore else None
    title = f"{options.predicted.name} against {options.true.name}"
    return items_of_files(found, options.axes, ignore), title


def _items_of_project(
    options: argparse.Namespace, open_files: ExitStack
) -> tuple[Sequence[ItemToEvaluate], str]:
    from cellpose_studio.workflows.evaluation.choice import MasksChoice, Sides
    from cellpose_studio.workflows.evaluation.project import items_of_project

    if options.true is not None:
        raise MasksUnreadable(
            f"{options.predicted.name} is a project, whose masks are compared with "
            "each other.",
            "Give their names with --found and --against.",
        )
    file = read_project(options.predicted)
    open_files.callback(file.close)
    sides = Sides(
        found=MasksChoice.parse(options.found),
        true=MasksChoice.parse(options.against),
        ignore=options.ignore or "",
    )

    def tell(said: str) -> None:
        print(f"cellpose-studio: {said}", file=sys.stderr)

    return items_of_project(file, sides, options.per_class, tell), sides.title


def _print_classes(classes: Mapping[str, ClassScores]) -> None:
    if not classes:
        return
    names = {name: name or "no class" for name in classes}
    width = max(map(len, (*names.values(), "class")))
    print(f"\n{'class':{width}}  {'AP@0.5':<8}  {'R@0.5':<8}   true  found")
    for name, one in classes.items():
        found = "-" if one.found_cells is None else str(one.found_cells)
        numbers = _numbers([one.ap, one.recall])
        print(f"{names[name]:{width}}{numbers}  {one.true_cells:5d}  {found:>5}")


def _numbers(values: Sequence[float]) -> str:
    return "".join(f"  {value:8.3f}" for value in values)
