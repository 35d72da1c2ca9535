"""Take torchvision without its sources, but for those that it reads itself."""

from pathlib import Path

from PyInstaller.utils.hooks import get_package_paths

hiddenimports = ["torchvision._C"]
module_collection_mode = "pyz"

_around, _folder = (Path(part) for part in get_package_paths("torchvision"))
datas = [
    (str(_folder / name), str((_folder / name).parent.relative_to(_around)))
    for name in ("_meta_registrations.py", "models/densenet.py")
]
