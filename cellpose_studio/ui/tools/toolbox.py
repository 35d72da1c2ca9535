"""The tools: one record each, for the menu, the buttons and the key sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from cellpose_studio.ui.tools.brush import BrushTool, EraserTool
from cellpose_studio.ui.tools.context import ToolContext
from cellpose_studio.ui.tools.edit_runner import CellEdits
from cellpose_studio.ui.tools.handles import HandlesTool
from cellpose_studio.ui.tools.polygon import PolygonTool, RegionTool
from cellpose_studio.ui.tools.select import ClassifyTool, MergeTool, SelectTool
from cellpose_studio.ui.tools.split import SplitTool
from cellpose_studio.ui.tools.tool import Tool
from cellpose_studio.ui.tools.tracks.divide import DivideTool

GestureText: TypeAlias = tuple[str, str]
"""A mouse gesture, as `Gestures.fill_in` takes it, and its effect."""


@dataclass(frozen=True, kw_only=True)
class ToolInfo:
    """One tool.

    Attributes
    ----------
    mode
        Unique name; the settings store a changed key under it.
    text
        Title in the menu, with an ampersand before the mnemonic, and on the button.
    key
        Shortcut that activates the tool, and deactivates it if pressed again.
    tip
        Tooltip, as `Gestures.fill_in` takes it.
    make
        Returns the tool for a window.
    gestures
        Gestures of this tool only, for the key sheet.
    curates
        Whether it corrects masks, and has a button in the Curate tab.
    trains
        Whether it is about training, and in the Train menu.
    """

    mode: str
    text: str
    key: str
    tip: str
    make: Callable[[ToolContext, CellEdits], Tool]
    gestures: tuple[GestureText, ...] = ()
    curates: bool = True
    trains: bool = False


_ALL = (
    ToolInfo(
        mode="select",
        text="&Select",
        key="V",
        tip="{choose:Click} to choose a cell, {delete:click} to delete it, "
        "{merge:click} to merge it with the chosen one. {delete:Drag} a lasso around "
        "cells to delete, {merge:drag} a line over cells to merge.",
        make=SelectTool,
        gestures=(
            ("{choose:Click}", "Choose the cell"),
            ("{delete:Click}", "Delete the cell"),
            ("{merge:Click}", "Merge the cell with the chosen one"),
            ("{delete:Drag}", "Draw a lasso around cells to delete"),
            ("{merge:Drag}", "Draw a line over cells to merge"),
        ),
    ),
    ToolInfo(
        mode="outline",
        text="&Outline",
        key="P",
        tip="Draw a new cell: drag around it, or click the corners of a polygon. "
        "Click the first corner or double-click to close it. With any tool, "
        "{outline:drag} draws an outline.",
        make=lambda context, _: PolygonTool(context),
        gestures=(("Double {useTool:click}", "Close the polygon (Outline)"),),
    ),
    ToolInfo(
        mode="brush",
        text="&Brush",
        key="B",
        tip="Paint a cell. A stroke that begins on a cell adds to it; elsewhere it "
        "draws a new cell.",
        make=lambda context, _: BrushTool(context),
    ),
    ToolInfo(
        mode="eraser",
        text="&Eraser",
        key="E",
        tip="Erase pixels of the chosen cell, or of all cells if none is chosen.",
        make=lambda context, _: EraserTool(context),
    ),
    ToolInfo(
        mode="merge",
        text="Mer&ge",
        key="J",
        tip="Click cells one after the other to merge them, or drag a line over them. "
        "The first one keeps its number. A click on the background ends with it. A "
        "cell chosen before is the first one if they touch.",
        make=MergeTool,
        gestures=(
            ("{useTool:Click}", "Merge the cell with the one clicked before (Merge)"),
            ("{useTool:Drag}", "Merge the cells on the line (Merge)"),
        ),
    ),
    ToolInfo(
        mode="split",
        text="S&plit",
        key="S",
        tip="Drag a line to cut the cells it crosses. Double-click two points in a "
        "cell to split it at its neck.",
        make=SplitTool,
        gestures=(("Double {useTool:click}", "Place a seed (Split)"),),
    ),
    ToolInfo(
        mode="divide",
        text="&Divide",
        key="Y",
        tip="Link a mother with her daughters: click the cell that divides, which "
        "shows the next time point, then click each daughter there. A click on the "
        "background ends with it.",
        make=DivideTool,
        gestures=(
            ("{useTool:Click}", "Choose the mother, then her daughters (Divide)"),
        ),
    ),
    ToolInfo(
        mode="handles",
        text="&Handles",
        key="H",
        tip="Drag the vertices of the chosen cell's outline. {removeHandle:Click} to "
        "remove one, double-click the line to add one. Press H again to apply the new "
        "shape, Esc to discard it.",
        make=lambda context, _: HandlesTool(context),
        gestures=(
            ("{removeHandle:Click}", "Remove a handle (Handles)"),
            ("Double {useTool:click}", "Add a handle (Handles)"),
        ),
    ),
    ToolInfo(
        mode="classify",
        text="&Classify",
        key="C",
        tip="Click cells to put them into the chosen class, or drag a line over them. "
        "The keys 1 to 9 put the chosen cells, or the one under the mouse, into a "
        "class.",
        make=ClassifyTool,
        gestures=(
            ("{useTool:Click}", "Put the cell into the class (Classify)"),
            ("{useTool:Drag}", "Put the cells on the line into the class (Classify)"),
        ),
    ),
    ToolInfo(
        mode="region",
        text="&Region",
        key="U",
        tip="Drag a rectangle, or click the corners of a polygon: the model runs "
        "there, and replaces the cells in it. Accepted, drawn and edited cells, and "
        "all cells outside, are kept.",
        make=lambda context, _: RegionTool(context, context.region_drawn),
        gestures=(
            ("{useTool:Drag}", "Run on a rectangle (Region)"),
            ("Double {useTool:click}", "Close the polygon (Region)"),
        ),
        curates=False,
    ),
    ToolInfo(
        mode="trainingCrop",
        text="Draw a training c&rop",
        key="G",
        tip="Drag a rectangle to train on: only the crops of an image are used then, "
        "not the rest of it.",
        make=lambda context, _: RegionTool(context, context.crop_drawn),
        gestures=(("{useTool:Drag}", "Draw a rectangle to train on (Training crop)"),),
        trains=True,
        curates=False,
    ),
    ToolInfo(
        mode="unannotated",
        text="Mark as &not annotated",
        key="L",
        tip="Drag a rectangle, or click the corners of a polygon, around cells "
        "without masks: training and evaluation ignore what is in there.",
        make=lambda context, _: RegionTool(context, context.unannotated_drawn),
        gestures=(
            ("{useTool:Drag}", "Mark a rectangle as not annotated"),
            ("Double {useTool:click}", "Close the polygon (Not annotated)"),
        ),
        trains=True,
        curates=False,
    ),
)

TOOLS = {tool.mode: tool for tool in _ALL}
"""Tools by mode, in the order of the menu and the buttons; the first is default."""

_WITH_ANY_TOOL: tuple[GestureText, ...] = (
    ("{useTool:Drag}", "Use the tool"),
    ("Drag", "Move the image, where no tool is used"),
    ("{outline:Click}, then move", "Draw a new cell's outline; it closes at its start"),
    ("{outline:Drag}", "Draw a new cell's outline; it closes at the end"),
    ("Wheel", "Zoom"),
    ("Other end of a pen", "Erase, with any tool"),
)


def mouse_gestures() -> Iterator[GestureText]:
    """Yield the gestures on the image: of each tool, then of all tools."""
    for tool in TOOLS.values():
        yield from tool.gestures
    yield from _WITH_ANY_TOOL
