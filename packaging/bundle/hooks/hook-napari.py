"""Take napari's model, canvas and theme; not its console, plugins and tests."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules


def _is_used(name: str) -> bool:
    unused = (
        "_tests",
        "_testsupport",
        "benchmarks",
        "conftest",
        "_vendor.experimental",
    )
    return not any(f".{part}" in name for part in unused)


hiddenimports = collect_submodules("napari", filter=_is_used)
datas = collect_data_files("napari", excludes=["**/_tests/**", "**/*.py"])
excludedimports = ["napari_console", "napari_svg", "IPython", "qtconsole"]
