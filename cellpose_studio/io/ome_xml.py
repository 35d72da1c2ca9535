"""What OME-XML says about the images of a file, and which of them are its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.stored import PixelSize, damaged
from cellpose_studio.io.units import to_um

_MOST_PLANES = 10**7


@dataclass(frozen=True)
class OmeImage:
    """One image of OME-XML.

    Attributes
    ----------
    name
        As in the file; may be empty.
    pixel_size_um
        Along Z, Y and X in µm; None where it is not known.
    channel_names
        One per channel; empty strings where there is none.
    """

    name: str
    pixel_size_um: PixelSize
    channel_names: tuple[str, ...]


@dataclass(frozen=True)
class OmeXml:
    """The part of OME-XML that is about the images of one file.

    Attributes
    ----------
    text
        OME-XML of these images alone. Of the other files that it names each lies
        in the same folder.
    images
        In the order of ``text``.
    """

    text: str
    images: tuple[OmeImage, ...]


def read_ome_xml(path: Path, text: str) -> OmeXml | None:
    """Return what ``text``, the OME-XML of the TIFF file ``path``, says of its images.

    None if it is no proper XML. Nothing beyond the text is followed but a
    companion file in the same folder. An image of several files belongs to the
    file of its first plane.

    Raises
    ------
    ImageUnreadable
        If no image begins in this file, or a file of an image is missing.
    """
    root = _parsed(text)
    if root is not None and (reference := _child(root, "BinaryOnly")) is not None:
        root = _parsed(_companion(path, reference.get("MetadataFile", "")))
    if root is None:
        return None
    _keep_images_of(root, path)
    images = tuple(_described(pixels, image) for image, pixels in _images(root))
    return OmeXml(ET.tostring(root, encoding="unicode"), images)


def _parsed(text: str) -> Element | None:
    """Parse XML without a document type: there is none in OME, only in attacks."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return ET.fromstring(text)  # noqa: S314
    except (ET.ParseError, ValueError):
        return None


def _companion(path: Path, name: str) -> str:
    """Read the file that holds the metadata of a set of files."""
    companion = _beside(path, name)
    if companion.suffix.lower() == ".ome":
        return companion.read_text(encoding="utf-8", errors="replace")
    raise ImageUnreadable(
        f"{path.name} is a part of a set of files.", f"Open {companion.name} instead."
    )


def _beside(path: Path, name: str) -> Path:
    """Return the file of that name in the folder of ``path``, which has to exist."""
    plain = PurePosixPath(name).name == name == PureWindowsPath(name).name
    file = path.resolve().parent / name
    if not name or not plain or not file.is_file():
        raise ImageUnreadable(
            f"{path.name} is a part of a set of files, of which {name!r} is missing.",
            "Put all files of the set into one folder.",
        )
    return file


def _keep_images_of(root: Element, path: Path) -> None:
    """Remove from ``root`` everything but the images that begin in ``path``."""
    single = len({uuid.text for uuid in root.iter() if _is(uuid, "UUID")}) < 2
    elsewhere = set()
    for image, pixels in list(_images(root)):
        _check_sizes(pixels, path)
        blocks = [data for data in pixels if _is(data, "TiffData")]
        if not blocks:
            pixels.append(
                pixels.makeelement(pixels.tag.replace("Pixels", "TiffData"), {})
            )
        for block in blocks:
            uuid = _child(block, "UUID")
            if uuid is not None and (single or _names(uuid, root, path)):
                block.remove(uuid)
        first = next(filter(_is_first, blocks), None)
        uuid = _child(first, "UUID") if first is not None else None
        if uuid is not None:
            elsewhere.add(uuid.get("FileName", ""))
            root.remove(image)
    for other in [e for e in root if not _is(e, "Image")]:
        root.remove(other)
    if elsewhere and not list(_images(root)):
        raise ImageUnreadable(
            f"{path.name} is a part of a set of files.",
            f"Open {min(elsewhere)} instead.",
        )
    for uuid in (e for e in root.iter() if _is(e, "UUID")):
        _beside(path, uuid.get("FileName", ""))


def _names(uuid: Element, root: Element, path: Path) -> bool:
    """Tell whether a reference to a file means the file that it stands in."""
    same_name = uuid.get("FileName", "").lower() == path.name.lower()
    return same_name or uuid.text == root.get("UUID")


def _is_first(block: Element) -> bool:
    return all(int(block.get(f"First{axis}", 0)) == 0 for axis in "ZCT")


def _check_sizes(pixels: Element, path: Path) -> None:
    """Refuse numbers that would make a reader allocate without end."""
    planes = 1
    for axis in "ZCT":
        planes *= int(pixels.get(f"Size{axis}", 0))
    numbers = [
        int(block.get(name, 0))
        for block in pixels
        if _is(block, "TiffData")
        for name in ("IFD", "PlaneCount", "NumPlanes")
    ]
    if not 0 < planes <= _MOST_PLANES or max(numbers, default=0) > _MOST_PLANES:
        raise damaged(path)


def _described(pixels: Element, image: Element) -> OmeImage:
    z, y, x = (
        to_um(
            pixels.get(f"PhysicalSize{axis}"),
            pixels.get(f"PhysicalSize{axis}Unit", "µm"),
        )
        for axis in "ZYX"
    )
    names = tuple(c.get("Name", "") for c in pixels if _is(c, "Channel"))
    return OmeImage(image.get("Name", ""), (z, y, x), names)


def _images(root: Element) -> Iterator[tuple[Element, Element]]:
    for image in root:
        if _is(image, "Image") and (pixels := _child(image, "Pixels")) is not None:
            yield image, pixels


def _child(parent: Element, name: str) -> Element | None:
    return next((child for child in parent if _is(child, name)), None)


def _is(element: Element, name: str) -> bool:
    return element.tag.rpartition("}")[2] == name
