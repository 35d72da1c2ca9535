"""What the tour shows, in the order of the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtWidgets import QWidget

from cellpose_studio.ui.window.menu_host import MenuHost


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A part of the window, and what it is for.

    Attributes
    ----------
    title, text
        The text is one or two sentences; ``{name}`` stands for the key of a command.
    place
        Returns the part.
    tab
        Returns the tab to bring to the front first, if it has to be.
    """

    title: str
    text: str
    place: Callable[[MenuHost], QWidget]
    tab: Callable[[MenuHost], QWidget] | None = None


STOPS = (
    Stop(
        title="Your images",
        text="Drop files or folders anywhere in the window. {next} and {previous} go "
        "to the next and the previous image; a mark says how far each one is.",
        place=lambda window: window.images,
    ),
    Stop(
        title="Run a model",
        text="A model is chosen, and the size of the cells is measured for you: press "
        "Run ({run}). Beside it you choose the images: this one, a part of it, or all.",
        place=lambda window: window.segment,
        tab=lambda window: window.segment,
    ),
    Stop(
        title="Tune the result",
        text="Cells are missing, or too many? These sliders act at once, without "
        "another run. Hold the mouse on any control: it says what it does.",
        place=lambda window: window.segment.result,
        tab=lambda window: window.segment,
    ),
    Stop(
        title="Look closely",
        text="Contrast and colours here change the picture only, never the result. "
        "{masks} shows and hides the masks.",
        place=lambda window: window.display,
    ),
    Stop(
        title="Correct what is wrong",
        text="{nextCell} goes to the cell that the network was least sure of, {accept} "
        "accepts it. The tools draw, erase, split and merge; {undo} takes back "
        "anything.",
        place=lambda window: window.curate,
        tab=lambda window: window.curate,
    ),
    Stop(
        title="Measure",
        text="One row for each cell, linked with the image; plots, classes, and a "
        "table of all images.",
        place=lambda window: window.measure,
        tab=lambda window: window.measure,
    ),
    Stop(
        title="Train a model of your own",
        text="Mark some corrected images for training and one for validation: a model "
        "learns from them, and you see whether it is better.",
        place=lambda window: window.train,
        tab=lambda window: window.train,
    ),
    Stop(
        title="How did I run this?",
        text="Every version of the masks, and how it was made: as a paragraph for your "
        "paper, a command or a script. Nothing has to be saved; it always is.",
        place=lambda window: window.history,
        tab=lambda window: window.history,
    ),
    Stop(
        title="Find the rest",
        text="{palette} finds any command and tells its key, {guide} opens the guide. "
        "The tour is in the Help menu.",
        place=lambda window: window.menuBar(),
    ),
)
