"""Starts the window, or a headless command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cellpose_studio.cli.commands import is_headless
from cellpose_studio.io.processes import CZI_READER


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and is_headless(given[0]):
        from cellpose_studio.cli.main import run

        return run(given)
    if given == [CZI_READER]:
        from cellpose_studio.io.images.vendor.czi_child import main as read_czi

        return read_czi()
    from cellpose_studio.ui.window.start import start, without_window

    code = without_window(given)
    return start(given) if code is None else code


if __name__ == "__main__":
    sys.exit(main())
