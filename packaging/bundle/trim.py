"""What PyInstaller finds and a bundle does without."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

EXCLUDED_MODULES = [
    # Consoles and notebooks.
    "IPython", "debugpy", "ipykernel", "jedi", "jupyter_client", "jupyter_core",
    "napari_console", "napari_svg", "notebook", "parso", "prompt_toolkit", "pexpect",
    "qtconsole", "tornado", "zmq",
    # Other windows than Qt's.
    "PyQt6", "PySide2", "PySide6", "_tkinter", "tkinter", "wx", "glfw", "pyglet",
    "PyQt5.QtBluetooth", "PyQt5.QtMultimedia", "PyQt5.QtQml", "PyQt5.QtQuick",
    "PyQt5.QtWebEngineWidgets", "PyQt5.QtDesigner", "PyQt5.QtLocation",
    # Tools of developers.
    "Cython", "build", "grimp", "hypothesis", "importlinter", "mypy", "pip", "pytest",
    "pytestqt", "ruff", "setuptools", "wheel", "xdist", "_pytest", "lib2to3", "py",
    "pydoc_data", "unittest.test", "test",
    # What the bill of materials is checked with.
    "arrow", "defusedxml", "fqdn", "isoduration", "jsonpointer", "lark",
    "rfc3339_validator", "rfc3986_validator", "rfc3987_syntax", "uri_template",
    "webcolors",
    # What libraries of formats of microscopes need for more than to read them.
    "cmake", "h5py", "ome_types", "resource_backed_dask_array", "xsdata",
    # Libraries that others use where they are installed.
    "bokeh", "dask_jobqueue", "distributed", "jinja2", "lxml", "matplotlib",
    "mkdocs", "networkx", "openvino", "pyarrow",
    "sparse", "tables", "tensorboard", "tensorflow", "triton", "xarray",
]  # fmt: skip
"""Modules that nothing the window or a command does comes by."""

_TESTS = re.compile(
    r"^(?!cellpose_studio)[\w.]+\.(tests|testing_internal|_tests|benchmarks)(\.|$)"
)

_FILES = re.compile(
    r"""
    /(tests|_tests|benchmarks|include|cmake)/
    | ^PyQt5/Qt5?/translations/
    | ^PyQt5/Qt5?/qml/
    | ^PyQt5/Qt5?/plugins/(?!
        (platforms|platformthemes|platforminputcontexts|imageformats|iconengines
         |styles|xcbglintegrations)/ )
    | /platforms/(lib)?q(eglfs|linuxfb|minimal|minimalegl|vnc|wayland|webgl|bsdfb).*
    | /platformthemes/(lib)?qgtk3
    | /imageformats/(lib)?q(pdf|tga|wbmp|tiff|icns|webp)
    | /platforminputcontexts/(lib)?qtvirtualkeyboard
    | ^PyQt5/Qt5?/(lib|bin)/(lib)?Qt5(Qml|Quick|WebSockets|Wayland|VirtualKey|Pdf)
    | \.(h|hpp|cuh|cpp|c|pxd|pyx|pyi\.in|cmake|a|lib)$
    | ^torchvision/image\.
    | ^torchvision\.libs/lib(png|jpeg|webp|nvjpeg|sharpyuv|z)
    | ^numba/np/ufunc/(tbb|omp)pool
    | ^PIL/_avif | ^pillow\.libs/libavif
    | ^imagecodecs/_(avif|sperr|sz3|pcodec|ultrahdr)\.
    | ^imagecodecs\.libs/lib(avif|aom|SZ3|cpcodec|uhdr|SPERR)
    | ^skimage/data/
    | ^sklearn/datasets/(data|descr|images)/
    | ^numpy/_core/(lib|include)/
    | \.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|WHEEL)$
    """,
    re.VERBOSE,
)

# They belong to the graphics driver of the machine, or to what every desktop has, and
# an older copy in the bundle would be found first by newer drivers. Kerberos, which
# Qt's network needs, is neither: a small system lacks it.
_OF_THE_SYSTEM = re.compile(
    r"lib(stdc\+\+|gcc_s|X11|X11-xcb|Xext|Xau|Xdmcp|Xrender|Xi|Xfixes|Xcursor|Xrandr"
    r"|Xcomposite|Xdamage|Xinerama|fontconfig|freetype|dbus-1|systemd|selinux|glib-2\.0"
    r"|gthread-2\.0|gmodule-2\.0|gobject-2\.0|gio-2\.0|gtk-3|gdk-3|gdk_pixbuf.*|pango.*"
    r"|cairo.*|atk.*|atspi|harfbuzz|expat|cap|mount|blkid|pcre.*|gcrypt|gpg-error"
    r"|bsd|md|brotli.*|png16|zstd|lz4|gomp|cudart|epoxy|fribidi|thai|datrie|graphite2"
    r"|wayland-.*|drm|gbm|udev|elf|LLVM.*)[-.\d]*\.so"
)


def modules_without_tests(toc: Iterable[tuple[str, str, str]]) -> list:
    """Return the modules without the tests of libraries."""
    return [entry for entry in toc if not _TESTS.match(entry[0])]


def needed(toc: Iterable[tuple[str, str, str]], *, linux: bool) -> list:
    """Return the files of a bundle that it needs: (place in it, source, kind)."""
    kept = []
    for place, source, kind in toc:
        posix = PurePosixPath(place.replace("\\", "/"))
        if _FILES.search(str(posix)):
            continue
        if linux and _is_the_systems(posix, Path(source)):
            continue
        kept.append((place, source, kind))
    return _without_dangling(kept)


def _without_dangling(toc: Iterable[tuple[str, str, str]]) -> list:
    """Return the files without links to what was left out."""
    entries = list(toc)
    places = {os.path.normpath(place) for place, *_ in entries}
    return [
        (place, source, kind)
        for place, source, kind in entries
        if kind != "SYMLINK"
        or os.path.normpath(str(Path(place).parent / source)) in places
    ]


def _is_the_systems(place: PurePosixPath, source: Path) -> bool:
    """Return whether a library comes with every Linux desktop; wheels' own do not."""
    if not _OF_THE_SYSTEM.match(place.name):
        return False
    return source.is_relative_to("/usr") or source.is_relative_to("/lib")
