from __future__ import annotations

import builtins
import io
import math
import os
import pickle
import subprocess
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.io.masks.safe_unpickle import load_npy_dict


def saved(value: object, path: Path) -> Path:
    """Save ``value`` as Cellpose does."""
    np.save(path, np.array(value, dtype=object), allow_pickle=True)
    return path


def npy_of(pickled: bytes) -> bytes:
    """Return a .npy file of one object with a pickle of our choice in it."""
    file = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + pickled


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *args, state=None):
        self.call = (function, args) if state is None else (function, args, state)

    def __reduce__(self):
        return self.call


def marker_command(marker: Path) -> str:
    return f'echo done > "{marker}"'


CALLS = {
    "a shell": lambda marker: Calls(os.system, marker_command(marker)),
    "a process": lambda marker: Calls(
        subprocess.check_call, marker_command(marker), -1, None, None, None, None, None,
        True, True,
    ),
    "eval": lambda marker: Calls(builtins.eval, f"open({str(marker)!r}, 'w').close()"),
    "exec": lambda marker: Calls(builtins.exec, f"open({str(marker)!r}, 'w').close()"),
    "opening a file": lambda marker: Calls(builtins.open, str(marker), "w"),
    "a method of an allowed module": lambda marker: Calls(
        np.savetxt, str(marker), [1.0]
    ),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("nested", [False, True])
def test_a_file_that_runs_code_is_refused_before_it_does(tmp_path, call, nested):
    marker = tmp_path / "marker"
    attack = call(marker)
    masks = np.array([[0, 1]])
    content = [[attack]] if nested else attack
    path = saved({"masks": masks, "outlines": content}, tmp_path / "a_seg.npy")
    with pytest.raises(MasksUnreadable, match=r"could run code\. It was not opened\."):
        load_npy_dict(path)
    assert not marker.exists()
    # What Cellpose itself does with such a file, or this test would prove nothing.
    np.load(path, allow_pickle=True)
    assert marker.exists()


def test_the_message_names_what_was_asked_for(tmp_path):
    path = saved({"masks": Calls(os.system, "true")}, tmp_path / "a_seg.npy")
    with pytest.raises(MasksUnreadable, match=rf"refers to {os.name}\.system, which"):
        load_npy_dict(path)


class Opcodes:
    """Writes pickles by hand, which no pickler would."""

    @staticmethod
    def named(module: str, name: str) -> bytes:
        return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


ODD_PICKLES = {
    "dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
    "module of numpy": Opcodes.named("numpy.core.multiarray", "fromfile") + b".",
    "state of a function": Opcodes.named("numpy", "dtype") + b"}b.",
    "copyreg": Opcodes.named("copyreg", "_reconstructor") + b".",
    "importlib": Opcodes.named("importlib", "import_module") + b"(S'os'\ntR.",
    "instance": b"(S'true'\nios\nsystem\n.",
}


@pytest.mark.parametrize("pickled", ODD_PICKLES.values(), ids=ODD_PICKLES.keys())
def test_hand_made_pickles_are_refused(tmp_path, pickled):
    path = tmp_path / "a_seg.npy"
    path.write_bytes(npy_of(pickled))
    with pytest.raises(MasksUnreadable, match="could run code"):
        load_npy_dict(path)


@pytest.mark.parametrize(
    "pickled",
    [
        b"P1\n.",  # an object kept elsewhere
        b"\x82\x01.",  # an object of the extension registry
        Opcodes.named("numpy", "ndarray") + b")R.",  # a call of what is only named
        Opcodes.named("numpy", "ndarray") + b"}S'a'\nI1\nsb.",
        pickle.dumps([[]])[:-1] + b"l.",
        b"",
        b".",
    ],
)
def test_nonsense_is_damage(tmp_path, pickled):
    path = tmp_path / "a_seg.npy"
    path.write_bytes(npy_of(pickled))
    with pytest.raises(MasksUnreadable, match="is damaged or incomplete"):
        load_npy_dict(path)


class Array:
    """Pickles as an array with a state of our choice."""

    def __init__(self, shape, dtype, content):
        self.state = (1, shape, dtype, False, content)

    def __reduce__(self):
        make = np.zeros(0).__reduce__()
        return (make[0], make[1], self.state)


class Dtype:
    def __init__(self, code, *state):
        self.call = (np.dtype, (code, False, True), *([state] if state else []))

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "array",
    [
        Array((2, 1000), Dtype("u1"), b"12"),
        Array((-1,), Dtype("u1"), b"12"),
        Array((-2, -1), Dtype("u1"), b"12"),
        Array((2**62, 4), Dtype("u1"), b""),
        Array((1,), Dtype("O8"), b"12345678"),
        Array((2, 1), Dtype("O8"), [1, 2]),
        Array((3,), Dtype("O8"), [1, 2]),
        Array((1,), Dtype("V8"), b"12345678"),
        Array((1,), Dtype("u1,O"), b"123456789"),
        Array((10**15,), Dtype("U0"), b""),
        Array("12", Dtype("u1"), b"12"),
        Array((2,), "u1", b"12"),
    ],
)
def test_arrays_that_lie_about_their_memory_are_damage(tmp_path, array):
    path = saved({"masks": array}, tmp_path / "a_seg.npy")
    with pytest.raises(MasksUnreadable, match="is damaged or incomplete"):
        load_npy_dict(path)


def test_a_dictionary_that_contains_itself_is_damage(tmp_path):
    loop: dict[str, object] = {}
    loop["loop"] = loop
    with pytest.raises(MasksUnreadable, match="damaged"):
        load_npy_dict(saved(loop, tmp_path / "a_seg.npy"))


def test_shared_lists_do_not_fill_the_memory(tmp_path):
    value: object = [0]
    for _ in range(100):
        value = [value, value]
    read = load_npy_dict(saved({"zdraw": value}, tmp_path / "a_seg.npy"))
    assert read["zdraw"][0] is read["zdraw"][1]


@pytest.mark.parametrize("cut", [0, 5, 30, 127, 128, 130, 200, 300, -1])
def test_an_incomplete_file_is_damaged(tmp_path, cut):
    path = saved({"masks": np.ones((9, 9)), "zdraw": [1, 2]}, tmp_path / "a_seg.npy")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(
        MasksUnreadable, match=r"^a_seg\.npy is damaged or incomplete\."
    ):
        load_npy_dict(path)


def test_a_missing_file_cannot_be_opened(tmp_path):
    with pytest.raises(MasksUnreadable, match="cannot be opened: No such file"):
        load_npy_dict(tmp_path / "a_seg.npy")


@pytest.mark.parametrize("value", [np.ones((3, 3)), [1, 2], {1: 2}, "text"])
def test_other_files_of_numpy_hold_no_result(tmp_path, value):
    path = tmp_path / "a_seg.npy"
    plain = isinstance(value, np.ndarray)
    np.save(path, value if plain else np.array(value, dtype=object))
    with pytest.raises(MasksUnreadable, match="contains no result of Cellpose"):
        load_npy_dict(path)


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and one.dtype == other.dtype
            and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
        )
    if isinstance(one, list | tuple):
        return (
            type(one) is type(other)
            and len(one) == len(other)
            and all(map(same, one, other))
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


dtypes = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.unicode_string_dtypes(endianness="?"),
)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    plain | arrays | arrays.map(np.asfortranarray),
    lambda inner: (
        st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner)
    ),
    max_leaves=8,
)


@given(content=st.dictionaries(st.text(), values))
def test_what_cellpose_may_store_comes_back(tmp_path_factory, content):
    path = saved(content, tmp_path_factory.mktemp("npy") / "a_seg.npy")
    assert same(content, load_npy_dict(path))


def test_paths_become_strings_numbers_of_numpy_become_pythons(tmp_path):
    content = {
        "filename": PurePosixPath("/a/b.tif"),
        "model_path": PureWindowsPath("c:\\m\\cyto"),
        "here": Path("x"),
        "diameter": np.float64(17.5),
        "zdraw": np.array([None, 3], dtype=object),
        "restore": np.str_("denoise"),
        "done": np.bool_(True),
    }
    assert load_npy_dict(saved(content, tmp_path / "a_seg.npy")) == {
        "filename": "/a/b.tif",
        "model_path": "c:\\m\\cyto",
        "here": "x",
        "diameter": 17.5,
        "zdraw": [None, 3],
        "restore": "denoise",
        "done": True,
    }


def test_an_array_in_a_mapped_file_is_an_array(tmp_path):
    mapped = np.memmap(tmp_path / "x", np.uint16, "w+", shape=(2, 3))
    mapped[:] = 7
    path = saved({"masks": mapped}, tmp_path / "a_seg.npy")
    np.testing.assert_array_equal(load_npy_dict(path)["masks"], np.full((2, 3), 7))


@pytest.mark.parametrize("module", [b"numpy.core", b"numpy._core"])
def test_files_of_old_and_new_numpy_are_read(tmp_path, module):
    path = saved({"masks": np.arange(3), "diameter": np.float32(2)}, tmp_path / "a.npy")
    content = path.read_bytes()
    assert b"numpy._core.multiarray" in content
    name = module + b".multiarray"
    # The length of the name stands before it.
    old = bytes([len(b"numpy._core.multiarray")]) + b"numpy._core.multiarray"
    changed = content.replace(old, bytes([len(name)]) + name)
    head = content.index(b"\x80\x04")
    path.write_bytes(npy_of(_unframed(changed[head:])))
    assert load_npy_dict(path)["masks"].tolist() == [0, 1, 2]


def _unframed(pickled: bytes) -> bytes:
    """Leave out the frame, whose length is no longer true."""
    assert pickled[2:3] == b"\x95"
    return pickled[:2] + pickled[11:]
