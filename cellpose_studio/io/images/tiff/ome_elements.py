"""Navigation in OME-XML, independent of its namespace."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element


def parse_xml(text: str) -> Element | None:
    """Return the root of an XML document; None if it is malformed.

    A document type counts as malformed: OME-XML has none, and it could declare
    entities that expand without limit or refer to other files.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return ET.fromstring(text)  # noqa: S314
    except (ET.ParseError, ValueError):
        return None


def image_elements(root: Element) -> Iterator[tuple[Element, Element]]:
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
    # The namespace contains the date of the schema, so it differs between files.
    return element.tag.rpartition("}")[2] == name
