"""``cellpose-studio thumbnail``: a small picture of a project, for file managers."""

from __future__ import annotations

import argparse
import stat
from pathlib import Path

from cellpose_studio.cli.output.outcome import ALL_DONE
from cellpose_studio.core.display.small_picture import scaled
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.cache.thumbnails import LARGEST, ThumbnailCache, png
from cellpose_studio.io.preview import preview
from cellpose_studio.paths import cache_dir

_SMALLEST = 16
_USUAL = 256
_PNG = b"\x89PNG\r\n\x1a\n"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command to ``parser``."""
    parser.epilog = (
        "The project is neither locked nor changed. Exit code 0: the picture is "
        "there; 2: the project has none, or cannot be read."
    )
    parser.add_argument("project", type=Path, metavar="FILE", help="a .cpstudio file")
    parser.add_argument("out", type=Path, metavar="OUT", help="the PNG file to write")
    parser.add_argument(
        "--size",
        type=_size,
        default=_USUAL,
        help=f"longer side in pixels, {_SMALLEST} to {LARGEST} (default: {_USUAL})",
    )
    parser.set_defaults(command=_thumbnail)


def _size(text: str) -> int:
    size = int(text) if text.isdecimal() else 0
    if not _SMALLEST <= size <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text} is not {_SMALLEST} to {LARGEST}")
    return size


def _thumbnail(options: argparse.Namespace) -> int:
    _refuse_to_replace(options.out)
    picture = scaled(preview(options.project, _cached_images()), options.size)
    with replacing(options.out) as part:
        part.write_bytes(png(picture))
    return ALL_DONE


def _refuse_to_replace(out: Path) -> None:
    """Raise `CannotSave` if there is something that is no picture.

    A pattern such as ``*.cpstudio`` would make the second project the output.
    """
    try:
        kind = out.stat()
    # Nothing is there; what else is wrong shows when it is written.
    except OSError:
        return
    if stat.S_ISREG(kind.st_mode):
        with out.open("rb") as file:
            # A file manager may have made an empty file for it.
            if file.read(len(_PNG)) in (b"", _PNG):
                return
    raise CannotSave(
        f"{out.name} is there and no PNG file, so it was not replaced.",
        "Name the picture as the second file.",
    )


def _cached_images() -> ThumbnailCache | None:
    try:
        return ThumbnailCache(cache_dir() / "thumbnails")
    # File managers run this in a sandbox, where the user's folders are missing.
    except OSError:
        return None
