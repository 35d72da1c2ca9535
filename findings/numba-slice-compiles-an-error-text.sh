#!/usr/bin/env bash
# numba 0.68.1: assigning an array to a slice compiles dozens of functions for a message.
#
# Guess: `a[:n] = b` in a compiled function is one function to compile, as the loop that
# copies the values one by one is; assigning a number to the slice is.
# Seen: it is about forty. The shapes may differ, and the text of that error is put
# together by functions for strings, `str` and `repr`, each of them compiled, too. They
# take several times as long as the function itself, once in a process, and nothing of
# them runs when the shapes are equal. An on-disk cache hides it from the second start on.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numba==0.68.1 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numba
import numpy as np
from numba.core import event

print("numba", numba.__version__)


def by_loop(a, b, n):
    for i in range(n):
        a[i] = b[i]


def of_a_number(a, b, n):
    a[:n] = 1


def by_slice(a, b, n):
    a[:n] = b


def compiled_for(function):
    a, b = np.zeros(8, np.int32), np.ones(3, np.int32)
    with event.install_recorder("numba:compile") as recorder:
        numba.njit(function)(a, b, 3)
    assert a.tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    return [e.data["dispatcher"].__name__ for _, e in recorder.buffer if e.is_start]


counts = {}
for function in (by_loop, of_a_number, by_slice):
    names = compiled_for(function)
    counts[function.__name__] = len(names)
    print(function.__name__, len(names), sorted(set(names)))
assert counts["by_loop"] == counts["of_a_number"] == 1
assert counts["by_slice"] > 20
PYTHON
