"""Which sources the pictures of the guide show, and whether these have changed since.

    packaging/pictures/shown.py

names the pictures that are older than what they show. Beside the pictures lies, for
each, a fingerprint of every module that it shows: of texts, widgets, and calls that lay
out, with their numbers. Tooltips, messages of errors, comments and all other code can
change without a new picture.
"""

import ast
import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cellpose_studio"
FOLDER = ROOT / "docs" / "pictures"
FINGERPRINTS = FOLDER / "pictures.json"
COMMAND = "packaging/dev pictures"

FRAME = ("ui/window/docks.py", "ui/window/main_window.py", "ui/window/status_bar.py",
         "ui/window/appearance/style.py")  # fmt: skip
SEGMENT = (*FRAME, "ui/segment/panel.py", "ui/segment/parameters",
           "ui/segment/thresholds.py", "ui/segment/models/model_picker.py",
           "core/runs/parameters.py")  # fmt: skip
DISPLAY = (*FRAME, "ui/display", "ui/images/panel.py", "ui/images/delegate.py")

PICTURES = {
    "start": (*FRAME, "ui/window/welcome/page.py"),
    "segment": (*SEGMENT, *DISPLAY),
    "light": (*SEGMENT, *DISPLAY),
    "uncertainty": DISPLAY,
    "curate": (*FRAME, "ui/curate", "core/review/columns.py"),
    "measure": (*FRAME, "ui/measure/content.py", "ui/measure/panel.py",
                "ui/measure/lower_tabs.py", "ui/measure/scope_box.py",
                "ui/measure/plots", "ui/measure/table"),
    "evaluation": (*FRAME, "ui/measure/evaluation"),
    "train": (*FRAME, "ui/train"),
    "history": (*FRAME, "ui/history"),
    "side-views": (*FRAME, "ui/display/ortho"),
    "palette": ("ui/commands/palette.py",),
    "figure": ("ui/figure/dialog.py", "ui/figure/preview.py", "ui/figure/painting.py"),
    "models": ("ui/segment/models/model_browser.py",
               "ui/segment/models/published_list.py",
               "ui/segment/models/model_card_html.py"),
    "export": ("ui/files/export_dialog.py", "io/masks/export_formats.py"),
}  # fmt: skip
"""For each picture, the modules and folders that it shows, in the package."""

_HIDDEN_CALLS = {
    "setToolTip", "setObjectName", "setAccessibleName", "setAccessibleDescription",
    "setStatusTip", "setWhatsThis", "setProperty", "findChild", "findChildren",
}  # fmt: skip
_HIDDEN_ARGUMENTS = {"tip", "toolTip", "objectName", "description", "help", "advice"}
_LAYING_OUT = ("add", "insert", "resize", "set", "draw", "fill")


class _Shown(ast.NodeVisitor):
    """Gathers what of a module can be seen on the screen."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._numbers = 0

    def visit_Expr(self, node: ast.Expr) -> None:
        # A text that nobody takes is documentation.
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Raise(self, _: ast.Raise) -> None:
        """Leave out texts of errors."""

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in _HIDDEN_ARGUMENTS:
            self.generic_visit(node)

    def visit_Module(self, node: ast.Module) -> None:
        for part in node.body:
            # Sizes are numbers at the top of a module.
            sizes = isinstance(part, ast.Assign | ast.AnnAssign)
            self._numbers += sizes
            self.visit(part)
            self._numbers -= sizes

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in _HIDDEN_CALLS:
            return
        widget = name[:1] == "Q" and name[1:2].isupper()
        lays_out = widget or name.startswith(_LAYING_OUT)
        if lays_out:
            self.found.append(name)
        self._numbers += lays_out
        self.generic_visit(node)
        self._numbers -= lays_out

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, str):
            if any(letter.isalpha() for letter in value):
                self.found.append(value)
        elif self._numbers and isinstance(value, int | float):
            self.found.append(repr(value))


def fingerprint(source: str) -> str:
    """Return a number for what can be seen of a module."""
    shown = _Shown()
    shown.visit(ast.parse(source))
    return hashlib.sha256("\0".join(shown.found).encode()).hexdigest()[:12]


def fingerprints(name: str) -> dict[str, str]:
    """Return the number of each module that a picture shows."""
    files = set()
    for part in PICTURES[name]:
        path = PACKAGE / part
        if not path.exists():
            sys.exit(f"The picture {name} shows {part}, which is not there; {__file__}")
        files |= {path} if path.is_file() else set(path.rglob("*.py"))
    return {
        file.relative_to(PACKAGE).as_posix(): fingerprint(file.read_text("utf-8"))
        for file in sorted(files)
    }


def recorded() -> dict[str, dict[str, str]]:
    """Return the numbers of the modules when the pictures were taken."""
    if not FINGERPRINTS.is_file():
        return {}
    return json.loads(FINGERPRINTS.read_text("utf-8"))


def changed_since(name: str, before: dict[str, str]) -> list[str]:
    """Return the modules that look different now, or that came or went."""
    now = fingerprints(name)
    return sorted(
        file for file in now.keys() | before.keys() if now.get(file) != before.get(file)
    )


def outdated() -> dict[str, list[str]]:
    """Return the pictures to take again, with what has changed."""
    known = recorded()
    found = {}
    for name in PICTURES:
        if not (FOLDER / f"{name}.png").is_file() or name not in known:
            found[name] = ["it is not there"]
        elif changed := changed_since(name, known[name]):
            found[name] = changed
    return found


def main() -> None:
    """Say what is outdated, and how to mend that."""
    found = outdated()
    for name, changed in found.items():
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        print(f"docs/pictures/{name}.png: {', '.join(changed[:3])}{more}")
    if found:
        sys.exit(
            f"These pictures are older than what they show; {COMMAND} takes them again."
        )


if __name__ == "__main__":
    main()
