"""Command line options made from the fields of a pydantic model."""

from __future__ import annotations

import argparse
from typing import Any, TypeAlias, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_fields(
    parser: argparse.ArgumentParser,
    model: type[BaseModel],
    leave_out: frozenset[str] = frozenset(),
) -> None:
    """Add ``--field-name`` for each simple field of ``model``.

    A field that may be None is None when the option is absent; a bool becomes a
    pair ``--x``, ``--no-x``.
    """
    for name, field in model.model_fields.items():
        if name not in leave_out:
            parser.add_argument(f"--{name.replace('_', '-')}", **_argument(name, field))


def values_of(options: argparse.Namespace, model: type[BaseModel]) -> dict[str, Any]:
    """Return the values that were given for the fields of ``model``."""
    names = model.model_fields
    return {n: v for n, v in vars(options).items() if n in names and v is not None}


def _argument(name: str, field: FieldInfo) -> dict[str, Any]:
    default = field.get_default(call_default_factory=True)
    shown = "automatic" if default is None else default
    text = f"{field.description or ''} (default: {shown})".strip().replace("%", "%%")
    kind = field.annotation
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction, "default": None, "help": text}
    argument: dict[str, Any] = {"dest": name, "default": None, "help": text}
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        argument |= {"type": inner[0], "nargs": "+" if ... in inner else len(inner)}
        return argument
    choices = [k for k in (get_args(kind) or (kind,)) if k is not type(None)]
    return argument | {"type": choices[0], "metavar": choices[0].__name__.upper()}
