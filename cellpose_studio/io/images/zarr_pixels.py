"""Metadata and pixels of Zarr folders, of formats 2 and 3."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.images.stored_image import Array, refuse_large_part
from cellpose_studio.paths import special_kind

_COMPRESSORS = ("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd")
_FILTERS = ("bitround", "delta", "fixedscaleoffset", "packbits", "quantize", "shuffle")
_CHECKSUMS = ("adler32", "crc32", "crc32c", "fletcher32")
_LAYOUT = ("bytes", "endian", "sharding_indexed", "transpose")

# The other codecs include pickle, which would execute code from the file.
_CODECS = {*_COMPRESSORS, *_FILTERS, *_CHECKSUMS, *_LAYOUT}


class ZarrPixels:
    """A Zarr array; missing chunks have the fill value.

    Raises
    ------
    ImageUnreadable
        If the array is damaged, or its encoding is not supported. ``root`` is the path
        in the message.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        import zarr
        from zarr.storage import LocalStore

        self._metadata, zarr_format = _metadata_of(folder)
        # Codecs must be checked before zarr opens the array, because it then sets them
        # up.
        _check_codecs(_json(self._metadata), root)
        store = LocalStore(folder, read_only=True)
        self._array = zarr.open_array(store, mode="r", zarr_format=zarr_format)
        self.shape: tuple[int, ...] = self._array.shape
        self.dtype: np.dtype[Any] = np.dtype(self._array.dtype)
        chunk = self._array.shards or self._array.chunks
        refuse_large_part(root, math.prod(chunk) * self.dtype.itemsize)

    def read(self, index: tuple[slice, ...]) -> Array:
        """Read the chunks that contain a part of the array.

        Raises
        ------
        FileNotFoundError
            If the folder no longer exists, which would look like an empty image.
        """
        if not self._metadata.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return np.asarray(self._array[index])


def attributes(folder: Path) -> dict[str, Any]:
    """Return the attributes of a group.

    Raises
    ------
    OSError
        If it has none.
    ValueError
        If they are not valid JSON.
    """
    if (folder / "zarr.json").is_file():
        found = _json(folder / "zarr.json").get("attributes", {})
    else:
        found = _json(folder / ".zattrs")
    if not isinstance(found, dict):
        raise ValueError(f"{folder} has attributes of type {type(found)}")
    return found


def inner_folder(folder: Path, name: str) -> Path:
    """Return a folder named by metadata, which must lie inside ``folder``.

    Raises
    ------
    ValueError
        If it lies elsewhere.
    """
    # On Windows, a backslash separates folders and a colon follows a drive.
    parts = name.replace("\\", "/").split("/")
    if not name or ":" in name or not parts[0] or ".." in parts:
        raise ValueError(f"{name!r} is outside of {folder}")
    return folder.joinpath(*parts)


def _metadata_of(folder: Path) -> tuple[Path, Any]:
    """Return the metadata file of an array, and its Zarr format."""
    newer = folder / "zarr.json"
    return (newer, 3) if newer.is_file() else (folder / ".zarray", 2)


def _json(path: Path) -> dict[str, Any]:
    if kind := special_kind(path):
        raise ValueError(f"{path} is {kind}")
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no object")
    return found


def _check_codecs(metadata: dict[str, Any], root: Path) -> None:
    unknown = [name for name in _codecs(metadata) if name not in _CODECS]
    if unknown:
        raise ImageUnreadable(
            f"{root.name} uses a compression that cannot be read: {unknown[0]}.",
            "Save it with Blosc, Zstandard or gzip.",
        )


def _codecs(metadata: dict[str, Any]) -> Iterator[str]:
    """Yield the names of all codecs, including those inside shards."""
    for codec in [metadata.get("compressor"), *(metadata.get("filters") or ())]:
        if codec is not None:
            yield str(codec["id"])
    for key in ("codecs", "index_codecs"):
        for codec in metadata.get(key) or ():
            codec = codec if isinstance(codec, dict) else {"name": codec}
            # Zarr 3 puts this prefix before the names of codecs that it takes from
            # numcodecs.
            yield str(codec["name"]).removeprefix("numcodecs.")
            yield from _codecs(codec.get("configuration") or {})
