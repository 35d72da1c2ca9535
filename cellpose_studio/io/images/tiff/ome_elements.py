"""Finding one's way through OME-XML, whatever its namespace."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element


def parsed(text: str) -> Element | None:
    """Return the root of an XML document; None if it is broken.

    One with a document type counts as broken: OME has none, and it could hold
    entities that grow without end or lie elsewhere.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return ET.fromstring(text)  # noqa: S314
    except (ET.ParseError, ValueError):
        return None


def images(root: Element) -> Iterator[tuple[Element, Element]]:
    """Yield each Image with its Pixels."""
    for image in children(root, "Image"):
        for pixels in children(image, "Pixels"):
            yield image, pixels


def children(parent: Element, name: str) -> list[Element]:
    """Return the direct children of that name."""
    return [child for child in parent if _is(child, name)]


def descendants(root: Element, name: str) -> list[Element]:
    """Return all elements of that name."""
    return [element for element in root.iter() if _is(element, name)]


def _is(element: Element, name: str) -> bool:
    return element.tag.rpartition("}")[2] == name
