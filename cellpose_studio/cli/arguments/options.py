"""Command line options generated from the fields of a pydantic model."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    get_args,
    get_origin,
)

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from cellpose_studio.core.errors import ParametersUnfit

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MOST_DIGITS = 9

Model = TypeVar("Model", bound=BaseModel)


def add_fields(
    parser: argparse.ArgumentParser,
    model: type[BaseModel],
    leave_out: frozenset[str] = frozenset(),
    types: Mapping[str, Callable[[str], object]] | None = None,
) -> None:
    """Add ``--field-name`` for each simple field of ``model``.

    A field that may be None is None when the option is absent; a bool becomes a
    pair ``--x``, ``--no-x``. ``types`` gives fields another type than that of the
    model, for argparse.
    """
    for name, field in model.model_fields.items():
        if name not in leave_out:
            argument = _argument(name, field)
            if types and name in types:
                argument["type"] = types[name]
            parser.add_argument(f"--{name.replace('_', '-')}", **argument)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``, which is "auto" when it is absent."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda:0, mps")


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add ``--threads``, which is None when it is absent."""
    parser.add_argument(
        "--threads",
        type=_threads,
        metavar="INT",
        help="processor threads, as many as there are cores at most (default: all)",
    )


def build_model(
    model: type[Model], options: argparse.Namespace, **more: object
) -> Model:
    """Return a ``model`` with the options that were given, and the fields of ``more``.

    Raises
    ------
    ParametersUnfit
        If a value is invalid; the message names it.
    """
    # Options that were not given are left out, so that the defaults stand in the model
    # alone.
    given = {n: v for n, v in vars(options).items() if v is not None}
    values = {n: v for n, v in given.items() if n in model.model_fields}
    try:
        return model(**{**values, **more})
    except ValidationError as error:
        raise ParametersUnfit(_sentence(error.errors()[0])) from error


def _sentence(problem: ErrorDetails) -> str:
    # Pydantic puts this prefix before the message of a validator.
    text = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return f"{text[0].upper()}{text[1:]}."
    option = str(problem["loc"][0]).replace("_", "-")
    given = problem["input"]
    value = " ".join(map(str, given)) if isinstance(given, list) else given
    return f"--{option} cannot be {value}: {text.replace('Input', 'it')}."


def _argument(name: str, field: FieldInfo) -> dict[str, Any]:
    default = field.get_default(call_default_factory=True)
    kind = field.annotation
    if kind is bool:
        text = _help(field, "on" if default else "off")
        return {"action": argparse.BooleanOptionalAction, "default": None, "help": text}
    if get_origin(kind) is Literal:
        hints = field.json_schema_extra
        initial = hints.get("initial", default) if isinstance(hints, dict) else default
        choices = get_args(kind)
        # What is given without the option may be other than what records lack.
        shown = {"choices": choices, "default": initial, "help": _help(field, initial)}
        return {"dest": name, **shown}
    several = get_origin(kind) is tuple
    kinds = [k for k in (get_args(kind) or (kind,)) if k not in (type(None), ...)]
    plain = kinds[0].__origin__ if get_origin(kinds[0]) is Annotated else kinds[0]
    argument: dict[str, Any] = {"type": plain, "metavar": plain.__name__.upper()}
    if several:
        argument["nargs"] = "+" if ... in get_args(kind) else len(kinds)
        default = " ".join(f"{value:g}" for value in default)
    text = _help(field, "automatic" if default is None else default)
    return argument | {"dest": name, "default": None, "help": text}


def _help(field: FieldInfo, default: object) -> str:
    text = f"{field.description or ''} (default: {default})"
    # Help texts are templates for argparse, in which a percent sign has a meaning.
    return text.strip().replace("%", "%%")


def above_0(what: str) -> Callable[[str], float]:
    """Return what reads a number above 0, "size in µm", of an option."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not a {what} above 0")
        return number

    return read


def _threads(text: str) -> int:
    if not text.isdecimal() or not text.strip("0"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of threads")
    cores = os.cpu_count() or 1
    # Python refuses to read a number of very many digits.
    if len(text) > _MOST_DIGITS or int(text) > cores:
        raise argparse.ArgumentTypeError(
            f"this computer has {cores} cores, so give a number from 1 to {cores}"
        )
    return int(text)
