"""Take the symbols for debuggers out of the libraries of a bundle, on Linux.

A quarter of what wheels bring is such symbols. Libraries that were moved into a wheel
(NAME.libs) stay as they are: some were rewritten in a way that strip cannot follow.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

_SMALLEST = 300_000
"""Bytes below which a library is left alone."""
_LOAD = 1
_PAGE = 4096


def strip_symbols(folder: Path) -> int:
    """Strip the libraries in ``folder``; return how many bytes that saved.

    Nothing is done where the binutils are not installed.
    """
    tool = shutil.which("strip")
    if tool is None:
        return 0
    return sum(_stripped(tool, file) for file in _libraries(folder))


def _libraries(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*.so*")):
        regular = file.is_file() and not file.is_symlink()
        moved = any(part.endswith(".libs") for part in file.parts)
        if regular and not moved and file.stat().st_size > _SMALLEST:
            yield file


def _stripped(tool: str, file: Path) -> int:
    part = file.with_name(f"{file.name}.part")
    command = [tool, "--strip-unneeded", "-o", str(part), str(file)]
    done = subprocess.run(command, capture_output=True, check=False)
    before = file.stat().st_size
    if done.returncode or not loads(part):
        part.unlink(missing_ok=True)
        return 0
    saved = before - part.stat().st_size
    shutil.copymode(file, part)
    part.replace(file)
    return saved


def loads(file: Path) -> bool:
    """Return whether the parts of a 64-bit library can be mapped into memory.

    That is where strip spoils libraries which other tools have rewritten.
    """
    with file.open("rb") as stream:
        header = stream.read(64)
        if header[:5] != b"\x7fELF\x02":
            return False
        (start,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        stream.seek(start)
        table = stream.read(size * count)
    for number in range(count):
        kind, _, offset, place = struct.unpack_from("<IIQQ", table, number * size)
        if kind == _LOAD and (offset - place) % _PAGE:
            return False
    return True
