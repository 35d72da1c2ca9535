"""The image files that a command is given, and whether they have results already."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from cellpose_studio.cli.arguments.ask_axes import asking_for_axes
from cellpose_studio.cli.arguments.folders import shown_name
from cellpose_studio.cli.output.outcome import Outcome
from cellpose_studio.cli.output.progress import Progress
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.export_target import existing_of_many, exists_already
from cellpose_studio.paths import real_path, split_name


def refuse_existing(files: Sequence[Path], options: argparse.Namespace) -> None:
    """Raise `CannotSave` before the first run if results of any image exist.

    Those of the scenes of a file are found when it is opened, and refused then.
    """
    if options.overwrite or options.skip_existing:
        return
    # Texts, because paths are slow to make for thousands of files.
    bases = (
        os.path.join(options.out or folder, split_name(name)[0])  # noqa: PTH118
        for folder, name in map(os.path.split, files)
    )
    if found := existing_of_many(bases, options.save):
        raise exists_already(found)


def image_files(
    options: argparse.Namespace, outcome: Outcome, progress: Progress
) -> list[Path]:
    """Return the images that the paths refer to, each of them once.

    What is left out of a folder is printed.
    """
    from cellpose_studio.workflows.left_out import left_out
    from cellpose_studio.workflows.open import images_of

    found: dict[tuple[str, str], Path] = {}
    real_folder, links = cache(os.path.realpath), cache(_links_in)
    for path in options.images:
        with outcome.collect_failures(path):
            entries = images_of(path)
            if left := left_out([path, _results_in(path, options.out)], entries):
                progress.print_line(f"{shown_name(path)}: {left.text}")
            for entry in entries:
                image = entry.image
                folder, name = os.path.split(image)
                # Of thousands of files in one folder, only links are followed.
                links_here = links(folder)
                if links_here is None or name in links_here:
                    folder, name = os.path.split(real_path(image))
                found.setdefault((real_folder(folder), name), image)
    return list(found.values())


def scenes_of(
    file: Path, axes: str | None, give_name: Callable[[ImageSource], object]
) -> list[ImageSource]:
    """Return all images of a file, after each of them was given its name."""
    with asking_for_axes():
        scenes = open_images(file, axes)
    for scene in scenes:
        give_name(scene)
    return scenes


def _links_in(folder: str) -> frozenset[str] | None:
    """Return the names of links in a folder; None if it cannot be listed."""
    try:
        with os.scandir(folder or ".") as entries:
            return frozenset(entry.name for entry in entries if entry.is_symlink())
    except OSError:
        return None


def _results_in(folder: Path, out: Path | None) -> Path:
    """Return the folder of the results as one of ``folder``, or else that itself."""
    inside = out is not None and real_path(out.parent) == real_path(folder)
    return folder / out.name if out is not None and inside else folder
