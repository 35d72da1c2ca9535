"""Rank the parts of a bundle by their size.

python packaging/rank_sizes.py dist/cellpose-studio [--files 20]

The modules of all packages lie compressed in the program's own file; --modules tells
what they take there, and needs PyInstaller.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

MB = 1e6
SHOWN = 0.5
"""MB below which parts are summed up."""


def files_of(folder: Path) -> dict[Path, int]:
    """Return the size of each file in bytes, links left out."""
    return {
        file.relative_to(folder): file.stat().st_size
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink()
    }


def part_of(file: Path) -> str:
    """Return the part of the bundle that a file belongs to."""
    inside = file.parts[0] == "_internal"
    if not inside:
        return file.parts[0]
    if len(file.parts) == 2:
        return "libraries of the system" if ".so" in file.name else file.name
    # A wheel's libraries lie beside its package, and its name may be longer.
    name = re.sub(r"(\.libs|-[^-]*\.dist-info)$", "", file.parts[1])
    return {"opencv_python_headless": "cv2", "pillow": "PIL"}.get(name, name)


def ranked(sizes: dict[Path, int]) -> list[tuple[str, int]]:
    """Return the parts and their sizes in bytes, the largest first."""
    parts: Counter[str] = Counter()
    for file, size in sizes.items():
        parts[part_of(file)] += size
    return parts.most_common()


def modules_in(program: Path) -> list[tuple[str, int]]:
    """Return the packages in the archive of modules, and their compressed sizes."""
    from PyInstaller.archive.readers import CArchiveReader

    archive = CArchiveReader(str(program)).open_embedded_archive("PYZ.pyz")
    sizes: Counter[str] = Counter()
    for name, (_, _, length) in archive.toc.items():
        sizes[name.split(".")[0]] += length
    return sizes.most_common()


def table(title: str, rows: list[tuple[str, int]], *, most: int) -> str:
    """Return a Markdown table; what is small or beyond ``most`` is one row."""
    whole = sum(size for _, size in rows)
    shown = [row for row in rows if row[1] >= SHOWN * MB][:most]
    rest = whole - sum(size for _, size in shown)
    lines = [f"| {title} | MB |", "|---|---|"]
    lines += [f"| {name} | {size / MB:.1f} |" for name, size in shown]
    if rest:
        lines.append(f"| {len(rows) - len(shown)} more | {rest / MB:.1f} |")
    lines.append(f"| all | {whole / MB:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=30)
    parser.add_argument("--files", type=int, default=0)
    parser.add_argument("--modules", action="store_true")
    given = parser.parse_args()
    sizes = files_of(given.folder)
    print(table("Part of the bundle", ranked(sizes), most=given.most))
    if given.files:
        largest = sorted(sizes.items(), key=lambda one: -one[1])
        rows = [(file.as_posix(), size) for file, size in largest]
        print()
        print(table("File", rows, most=given.files))
    if given.modules:
        rows = modules_in(given.folder / "cellpose-studio")
        print()
        print(table("Modules in the program, compressed", rows, most=given.most))


if __name__ == "__main__":
    main()
