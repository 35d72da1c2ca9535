"""The mouse gestures that can be changed: one record each."""

from __future__ import annotations

from cellpose_studio.ui.commands.gestures import Gesture

CHOOSE, DELETE, MERGE = "choose", "delete", "merge"
USE, REMOVE_HANDLE, OUTLINE = "useTool", "removeHandle", "outline"

_SELECT = frozenset({"select"})
_OTHERS = frozenset(
    {"outline", "brush", "eraser", "merge", "split", "handles", "divide", "classify"},
)

GESTURES = (
    Gesture(name=CHOOSE, effect="Choose the cell", default="left", tools=_SELECT),
    Gesture(name=DELETE, effect="Delete the cell", default="Ctrl+left", tools=_SELECT),
    Gesture(
        name=MERGE,
        effect="Merge the cell with the chosen one",
        default="Alt+left",
        tools=_SELECT,
    ),
    Gesture(
        name=USE,
        effect="Use the tool: draw, paint, erase, merge, split, divide, classify",
        default="left",
        tools=_OTHERS,
    ),
    Gesture(
        name=REMOVE_HANDLE,
        effect="Remove a handle (Handles)",
        default="Ctrl+left",
        tools=frozenset({"handles"}),
    ),
    Gesture(name=OUTLINE, effect="Draw a new cell's outline", default="right"),
)
"""In the order of the key sheet."""
