"""The formats of microscopes: their names, their endings, and what reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from cellpose_studio.io.images.stored_image import Stored


@dataclass(frozen=True, kw_only=True)
class VendorFormat:
    """A format of microscopes.

    Attributes
    ----------
    text
        Name for the user.
    endings
        Of file names, in lower case.
    starts
        First bytes of such files, one of them; empty where it is a kind of TIFF or
        where they vary.
    reader
        Module of this folder with the function ``open_file``, which is imported when
        the first file of the format is opened.
    """

    text: str
    endings: tuple[str, ...]
    starts: tuple[bytes, ...] = ()
    reader: str

    def open(self, path: Path) -> list[Stored]:
        """Return the images of a file; raises what its reader raises."""
        module = import_module(f"cellpose_studio.io.images.vendor.{self.reader}")
        function: Callable[[Path], list[Stored]] = module.open_file
        return function(path)


FORMATS = (
    VendorFormat(
        text="ZEISS CZI",
        endings=(".czi",),
        starts=(b"ZISRAWFILE",),
        reader="czi",
    ),
    VendorFormat(
        text="Nikon ND2",
        endings=(".nd2",),
        starts=(b"\xda\xce\xbe\x0a", b"\0\0\0\x0cjP  "),
        reader="nd2",
    ),
    VendorFormat(
        text="Leica LIF",
        endings=(".lif", ".lof"),
        starts=(b"\x70\0\0\0",),
        reader="lif",
    ),
    VendorFormat(
        text="Olympus OIB",
        endings=(".oib",),
        starts=(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
        reader="oif",
    ),
    VendorFormat(text="Olympus OIF", endings=(".oif",), reader="oif"),
    VendorFormat(
        text="Imaris IMS",
        endings=(".ims",),
        starts=(b"\x89HDF\r\n\x1a\n",),
        reader="ims",
    ),
)
"""Formats that are read by libraries of their own."""

TIFF_ENDINGS = (".lsm", ".stk")
"""Kinds of TIFF with the metadata of ZEISS and MetaMorph, which `open_tiff` reads."""

ENDINGS = (*(e for form in FORMATS for e in form.endings), *TIFF_ENDINGS)
"""Endings of all files of microscopes that can be opened, in lower case."""

UNREADABLE = {
    ".oir": "Olympus (OIR)",
    ".vsi": "Olympus (VSI)",
    ".xlef": "Leica (XLEF)",
    ".dv": "DeltaVision (DV)",
}
"""Names of formats that no library reads which we could use, by ending."""

START = 16
"""Bytes of a file that `format_of` needs."""


def format_of(path: Path, start: bytes) -> VendorFormat | None:
    """Return the format of a file by its first bytes, else by its name.

    None if it is not of a microscope. A name counts only where the bytes may be right.
    """
    for form in FORMATS:
        named = path.suffix.lower() in form.endings
        begins = start.startswith(form.starts) if form.starts else named
        # Two of the starts are those of other files, too: of documents, and of HDF5.
        if begins and (named or form.reader in ("czi", "nd2")):
            return form
    return None


def files_folder(path: Path) -> Path | None:
    """Return the folder with the pixels of an OIF file; None for other files."""
    if path.suffix.lower() != ".oif":
        return None
    return path.with_name(path.name + ".files")
