"""Makes the event that macOS sends; PyQt has it, but no way to make one."""

from __future__ import annotations

import ctypes
from pathlib import Path

import PyQt5
import pytest
from PyQt5 import sip
from qtpy.QtGui import QFileOpenEvent

_ROOM = 256
"""Bytes, more than an event has."""
_LIBRARIES = Path(PyQt5.__file__).parent / "Qt5" / "lib"


def file_open_event(file: str) -> QFileOpenEvent:
    """Return a QFileOpenEvent as Qt's own C++ constructor makes it.

    Its memory is of malloc, where Qt frees it after it was posted.
    """
    core = _library("libQt5Core.so.5")
    gui = _library("libQt5Gui.so.5")
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    content = file.encode()
    text = ctypes.c_void_p()
    core["_ZN7QString15fromUtf8_helperEPKci"](ctypes.byref(text), content, len(content))
    event = libc.malloc(_ROOM)
    gui["_ZN14QFileOpenEventC1ERK7QString"](ctypes.c_void_p(event), ctypes.byref(text))
    return sip.wrapinstance(event, QFileOpenEvent)


def _library(name: str) -> ctypes.CDLL:
    if not (_LIBRARIES / name).exists():
        pytest.skip("only on Linux, with PyQt5")
    return ctypes.CDLL(str(_LIBRARIES / name))
