"""Reads the dictionaries that Cellpose stores in .npy files, without their code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.models.safe_unpickle import (
    NoDictionary,
    NotAllowed,
    unpickled_dict,
)


def load_npy_dict(path: Path) -> dict[str, Any]:
    """Return the dictionary in ``path``, as `unpickled_dict` does.

    Raises
    ------
    MasksUnreadable
        If the file is missing, damaged, something else, or could execute code.
    """
    try:
        with path.open("rb") as file:
            return unpickled_dict(file)
    except NoDictionary as error:
        raise MasksUnreadable(
            f"{path.name} contains no result of Cellpose.",
            "Cellpose's own files end in _seg.npy.",
        ) from error
    except NotAllowed as error:
        raise MasksUnreadable(
            f"{path.name} refers to {error}, which could run code. It was not opened.",
            "Ask its author to save the masks again, for example as a TIFF.",
        ) from error
    except OSError as error:
        raise MasksUnreadable(
            f"{path.name} cannot be opened: {error.strerror or error}."
        ) from error
    # A damaged pickle can raise any exception.
    except Exception as error:
        raise MasksUnreadable(f"{path.name} is damaged or incomplete.") from error
