"""Safe unpickling of the dictionaries that Cellpose stores in .npy files.

A pickle is a program. Here it may refer to a dozen harmless names only, and arrays are
loaded as descriptions that are validated before an array is made, because NumPy itself
trusts a pickled dtype with the layout of memory.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from pathlib import PurePosixPath, PureWindowsPath
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

# Objects (O) and structures (V) are left out: the memory of such arrays contains
# pointers, or a layout that the file chooses.
_DTYPE = re.compile(r"[biufcUS][1-9]\d*")


def unpickled_dict(file: IO[bytes]) -> dict[str, Any]:
    """Return the dictionary in a .npy file, which is a 0-d object array.

    Values are Python's strings, numbers and containers, and NumPy arrays of numbers
    or text, which are read-only. Object arrays become lists, paths become strings.

    Raises
    ------
    NotAllowed
        If it could execute code.
    NoDictionary
        If it is something else.
    Exception
        Any, if it is damaged.
    """
    _expect_one_object(file)
    value = _Builder().build(_Unpickler(file).load())
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise NoDictionary
    return value


def _expect_one_object(file: IO[bytes]) -> None:
    """Read the header, so that ``file`` is positioned at the pickle."""
    form = np.lib.format
    # Version 3 of the format is for field names outside Latin-1, which one object does
    # not have.
    readers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    shape, _, dtype = readers[form.read_magic(file)](file)
    if shape != () or dtype.kind != "O":
        raise NoDictionary


class NoDictionary(Exception):
    """The file holds something else."""


class NotAllowed(Exception):
    """The pickle refers to a name that is not on the list."""


class _Function:
    """A function that a pickle may call, but neither modify nor inspect."""

    __slots__ = ("_run",)

    def __init__(self, run: Callable[..., object]) -> None:
        self._run = run

    def __call__(self, *args: object) -> object:
        return self._run(*args)

    # An instruction of the pickle calls this method to set attributes. The one that is
    # kept here could be replaced with it.
    def __setstate__(self, state: object) -> None:
        raise NotAllowed("a changed function")


class _Dtype:
    """A dtype as a pickle describes it."""

    __slots__ = ("_code", "_order")

    def __init__(self, code: str, *_flags: object) -> None:
        self._code = code
        self._order = "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        # The rest of the state describes fields and layout, which NumPy would believe.
        self._order = state[1]

    @property
    def is_object(self) -> bool:
        # NumPy appends the size of a pointer, which depends on the machine.
        return self._code in ("O", "O8", "O4")

    def build(self) -> np.dtype[Any]:
        if not _DTYPE.fullmatch(self._code):
            raise ValueError(f"an array of {self._code}")
        dtype: np.dtype[Any] = np.dtype(self._code)
        return dtype.newbyteorder(self._order) if self._order in ("<", ">") else dtype  # type: ignore[arg-type]


class _Array:
    """An array as a pickle describes it: (version, shape, dtype, fortran, content)."""

    __slots__ = ("state",)

    def __init__(self, *state: object) -> None:
        self.state: tuple[Any, ...] = state

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state


def _scalar(dtype: _Dtype, raw: bytes) -> object:
    values = np.frombuffer(raw, dtype.build())
    return values[0].item()


def _array_of_buffer(raw: object, dtype: object, shape: object, order: str) -> _Array:
    return _Array(1, shape, dtype, order == "F", raw)


def _core(name: str, where: str = "multiarray") -> list[tuple[str, str]]:
    # NumPy 2 renamed numpy.core to numpy._core, and files contain the name of their
    # time.
    return [(f"numpy.{core}.{where}", name) for core in ("core", "_core")]


_ALLOWED: dict[tuple[str, str], object] = {
    # The class is only ever an argument of _reconstruct, which does not need it.
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "memmap"): "memmap",
    ("numpy", "dtype"): _Function(_Dtype),
    **dict.fromkeys(_core("_reconstruct"), _Function(lambda *_args: _Array())),
    **dict.fromkeys(_core("scalar"), _Function(_scalar)),
    **dict.fromkeys(_core("_frombuffer", "numeric"), _Function(_array_of_buffer)),
}
# Python 3.13 moved the classes to pathlib._local.
for _module in ("pathlib", "pathlib._local"):
    for _kind in (PurePosixPath, PureWindowsPath):
        # Pure paths exist on every system, but a WindowsPath cannot be made on Linux.
        _path = _Function(lambda *parts, kind=_kind: str(kind(*parts)))
        _ALLOWED[_module, _kind.__name__] = _path
        _ALLOWED[_module, _kind.__name__.removeprefix("Pure")] = _path


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise NotAllowed(f"{module}.{name}")
        return _ALLOWED[module, name]


class _Builder:
    """Converts descriptions to arrays; a shared object is converted only once."""

    def __init__(self) -> None:
        self._built: dict[int, object] = {}
        self._open: set[int] = set()

    def build(self, stored: object) -> object:
        # The unpickled objects outlive the builder, so no id is assigned twice.
        key = id(stored)
        if key in self._open:
            raise ValueError("it contains itself")
        if key not in self._built:
            self._open.add(key)
            self._built[key] = self._convert(stored)
            self._open.remove(key)
        return self._built[key]

    def _convert(self, stored: object) -> object:
        if isinstance(stored, dict):
            return {self.build(k): self.build(v) for k, v in stored.items()}
        if isinstance(stored, list | tuple | set | frozenset):
            return type(stored)([self.build(value) for value in stored])
        if isinstance(stored, _Array):
            return self._array(*stored.state)
        return stored.build() if isinstance(stored, _Dtype) else stored

    def _array(
        self,
        _version: int,
        shape: tuple[int, ...],
        dtype: _Dtype,
        fortran: bool,
        content: bytes | list[object],
    ) -> object:
        if dtype.is_object:
            return self._objects(shape, cast("list[object]", content))
        return _numbers(shape, dtype.build(), fortran, cast(bytes, content))

    def _objects(self, shape: tuple[int, ...], content: list[object]) -> object:
        if not isinstance(content, list) or len(content) != math.prod(shape):
            raise ValueError("an array of another size than it says")
        if len(shape) > 1:
            raise ValueError("a table of objects")
        # The list is built, not copied, so that sharing it cannot fill the memory.
        values = cast("list[object]", self.build(content))
        return values if shape else values[0]


def _numbers(
    shape: tuple[int, ...], dtype: np.dtype[Any], fortran: bool, content: bytes
) -> npt.NDArray[Any]:
    if len(content) != math.prod(shape) * dtype.itemsize:
        raise ValueError("an array of another size than it says")
    if not content:
        return np.zeros(shape, dtype)
    values = np.frombuffer(content, dtype)
    values.flags.writeable = False
    return values.reshape(shape, order="F" if fortran else "C")
