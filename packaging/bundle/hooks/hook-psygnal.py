"""Take the modules that psygnal's compiled code imports."""

from importlib import metadata

from PyInstaller.utils.hooks import collect_submodules


def _is_used(name: str) -> bool:
    return not name.startswith(("psygnal.qt", "psygnal.testing", "psygnal._pyinst"))


hiddenimports = [
    *collect_submodules("psygnal", filter=_is_used),
    "mypy_extensions",
    # What mypyc compiled lies in a module of its own, named by a digest.
    *(
        file.name.split(".")[0]
        for file in metadata.files("psygnal") or ()
        if "__mypyc" in file.name and len(file.parts) == 1
    ),
]
