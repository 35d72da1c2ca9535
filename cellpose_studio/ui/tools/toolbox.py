"""The tools: one record each, which the menu, the buttons and the key sheet read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from cellpose_studio.ui.tools.brush import BrushTool, EraserTool
from cellpose_studio.ui.tools.context import ToolContext
from cellpose_studio.ui.tools.edit_runner import CellEdits
from cellpose_studio.ui.tools.handles import HandlesTool
from cellpose_studio.ui.tools.polygon import PolygonTool
from cellpose_studio.ui.tools.select import SelectTool
from cellpose_studio.ui.tools.split import SplitTool
from cellpose_studio.ui.tools.tool import Tool

Gesture: TypeAlias = tuple[str, str]
"""What the mouse does, and what comes of it."""


@dataclass(frozen=True, kw_only=True)
class ToolInfo:
    """One tool.

    Attributes
    ----------
    mode
        Its name; the settings remember a changed key under it.
    text
        In the menu, with the letter to press after an ampersand; without it, on the
        button.
    key
        That takes it; the same key puts it away.
    tip
        What it does.
    make
        Returns the tool for a window.
    gestures
        That are its own, for the key sheet.
    """

    mode: str
    text: str
    key: str
    tip: str
    make: Callable[[ToolContext, CellEdits], Tool]
    gestures: tuple[Gesture, ...] = ()


_ALL = (
    ToolInfo(
        mode="select",
        text="&Select",
        key="V",
        tip="A click chooses a cell, Ctrl+click deletes it, Alt+click merges it with "
        "the chosen one. Ctrl+drag draws a lasso around cells to delete, Alt+drag a "
        "line over cells to merge.",
        make=SelectTool,
        gestures=(
            ("Click", "Choose the cell"),
            ("Ctrl+click", "Delete the cell"),
            ("Alt+click", "Merge the cell with the chosen one"),
            ("Ctrl+drag", "Draw a lasso around cells to delete"),
            ("Alt+drag", "Draw a line over cells to merge"),
        ),
    ),
    ToolInfo(
        mode="outline",
        text="&Outline",
        key="P",
        tip="Draws a new cell: drag around it, or click the corners of a polygon. A "
        "click on the first corner or a double click closes it. The right button "
        "draws around a cell with any tool.",
        make=lambda hand, _: PolygonTool(hand),
        gestures=(("Double click", "Close the polygon (Outline)"),),
    ),
    ToolInfo(
        mode="brush",
        text="&Brush",
        key="B",
        tip="A stroke that begins on a cell adds to it; elsewhere it draws a new cell.",
        make=lambda hand, _: BrushTool(hand),
    ),
    ToolInfo(
        mode="eraser",
        text="&Eraser",
        key="E",
        tip="Takes pixels from the chosen cell, or from all if none is chosen.",
        make=lambda hand, _: EraserTool(hand),
    ),
    ToolInfo(
        mode="split",
        text="S&plit",
        key="S",
        tip="A line cuts the cells it crosses. Two double clicks in a cell split it by "
        "a watershed from both places.",
        make=SplitTool,
        gestures=(("Double click", "Put a seed (Split)"),),
    ),
    ToolInfo(
        mode="handles",
        text="&Handles",
        key="H",
        tip="Drag the vertices of the chosen cell's outline. Ctrl+click removes one, a "
        "double click on the line adds one. H again changes the cell, Esc leaves it.",
        make=lambda hand, _: HandlesTool(hand),
        gestures=(
            ("Ctrl+click", "Remove a handle (Handles)"),
            ("Double click", "Add a handle (Handles)"),
        ),
    ),
)

TOOLS = {tool.mode: tool for tool in _ALL}
"""By mode, in the order of the menu and the buttons; the first is in use at first."""

_WITH_ANY_TOOL: tuple[Gesture, ...] = (
    ("Drag", "Move the image, or use the tool"),
    ("Right-click, then move", "Draw a new cell's outline; it closes at its start"),
    ("Right-drag", "Draw a new cell's outline; it closes at the end"),
    ("Wheel", "Zoom"),
)


def mouse_gestures() -> Iterator[Gesture]:
    """Yield what the mouse does on the image: tool by tool, then with any of them."""
    for tool in TOOLS.values():
        yield from tool.gestures
    yield from _WITH_ANY_TOOL
