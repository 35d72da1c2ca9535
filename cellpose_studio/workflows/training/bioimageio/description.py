"""What ``rdf.yaml`` of a package says of its model, versions 0.4 and 0.5."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.card import MOST_LETTERS

_VERSIONS = ("0.4.", "0.5.")
_STATE_DICT = "pytorch_state_dict"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STYLE = ("style", "style_on")
"""Names of the argument that turns the style off, here and in Cellpose 1 and 2."""


@dataclass(frozen=True, kw_only=True)
class PackageDescription:
    """The part of a description that is used.

    Attributes
    ----------
    weights
        Name of the file.
    sha256
        Of the weights; "" where none is stated.
    style
        Whether the network is built with its style.
    documentation
        Name of the file; "" for none.
    attachments
        Names of files.
    test_input, test_output
        Names of files with arrays; "" for none.
    """

    name: str
    description: str
    licence: str
    authors: tuple[str, ...]
    cite: tuple[str, ...]
    weights: str
    sha256: str
    style: bool
    documentation: str
    attachments: tuple[str, ...]
    test_input: str
    test_output: str


class _PlainLoader(yaml.SafeLoader):
    """Reads YAML without references, by which a few lines can fill the memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError
        return super().compose_node(parent, index)


def parse_description(content: bytes, package: str) -> PackageDescription:
    """Return what the description of a package says.

    Raises
    ------
    ModelUnusable
        If it cannot be read, or is of something else than weights of PyTorch.
    """
    try:
        # It is a subclass of the safe loader.
        found = yaml.load(content, Loader=_PlainLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(package) from error
    if not isinstance(found, dict):
        raise _unreadable(package)
    if (kind := _text(found.get("type"))) != "model":
        raise ModelUnusable(
            f"{package} describes no model, but: {kind or 'nothing'}.",
            "Choose the package of a model.",
        )
    version = _text(found.get("format_version"))
    if not version.startswith(_VERSIONS):
        raise ModelUnusable(
            f"{package} has the format {version or 'of no version'}; 0.4 and 0.5 are "
            "known.",
            "Save it in one of these formats.",
        )
    weights = _weights(found.get("weights"), package)
    architecture = _dict(weights.get("architecture"))
    arguments = {**_dict(weights.get("kwargs")), **_dict(architecture.get("kwargs"))}
    return PackageDescription(
        name=_text(found.get("name")),
        description=_text(found.get("description")),
        licence=_text(found.get("license")),
        authors=tuple(filter(None, map(_author, _list(found.get("authors"))))),
        cite=tuple(filter(None, map(_citation, _list(found.get("cite"))))),
        weights=_source(weights),
        sha256=_hash(weights, package),
        style=all(arguments.get(name, True) is not False for name in _STYLE),
        documentation=_source(found.get("documentation")),
        attachments=_attachments(found.get("attachments")),
        test_input=_test_tensor(found, "input"),
        test_output=_test_tensor(found, "output"),
    )


def _weights(value: object, package: str) -> dict[str, Any]:
    kinds = _dict(value)
    if _STATE_DICT not in kinds:
        have = ", ".join(map(str, kinds)) or "none"
        raise ModelUnusable(
            f"{package} has no weights as {_STATE_DICT}, but: {have[:200]}.",
            "Only networks of Cellpose, whose weights are stored so, can be used.",
        )
    return _dict(kinds[_STATE_DICT])


def _hash(weights: dict[str, Any], package: str) -> str:
    stated = _text(weights.get("sha256")).lower()
    if stated and not _SHA256.fullmatch(stated):
        raise _unreadable(package)
    return stated


def _test_tensor(found: dict[str, Any], which: str) -> str:
    """Return the file of the first test tensor."""
    # Version 0.4 lists the files, and 0.5 puts them into each input and output.
    listed = _list(found.get(f"test_{which}s"))
    tensors = listed or [
        _dict(one).get("test_tensor") for one in _list(found.get(f"{which}s"))
    ]
    return _source(tensors[0]) if tensors else ""


def _attachments(value: object) -> tuple[str, ...]:
    # A dictionary with a list of files in version 0.4.
    parts = _list(_dict(value).get("files")) or _list(value)
    return tuple(filter(None, map(_source, parts)))


def _source(value: object) -> str:
    """Return the name of a file, which may be in a record with its hash."""
    return _text(value.get("source") if isinstance(value, dict) else value)


def _author(value: object) -> str:
    one = _dict(value)
    name, at = _text(one.get("name")), _text(one.get("affiliation"))
    return f"{name}, {at}" if name and at else name


def _citation(value: object) -> str:
    one = _dict(value)
    text, doi, url = (_text(one.get(key)) for key in ("text", "doi", "url"))
    where = f"https://doi.org/{doi}" if doi and doi not in text else url
    return " ".join(part for part in (text, where if where not in text else "") if part)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """Return a text or a number as text; "" for anything else."""
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value).strip()[:MOST_LETTERS] if plain else ""


def _unreadable(package: str) -> ModelUnusable:
    return ModelUnusable(
        f"The description in {package} cannot be read.", "Download the package again."
    )
