"""Take all codecs of imagecodecs, which it imports by name."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = [
    name
    for name in collect_submodules("imagecodecs")
    if not name.endswith((".__main__", ".licenses"))
]
