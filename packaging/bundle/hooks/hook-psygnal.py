"""Take the modules that psygnal's compiled code imports."""

from PyInstaller.utils.hooks import collect_submodules


def _is_used(name: str) -> bool:
    return not name.startswith(("psygnal.qt", "psygnal.testing", "psygnal._pyinst"))


hiddenimports = [*collect_submodules("psygnal", filter=_is_used), "mypy_extensions"]
