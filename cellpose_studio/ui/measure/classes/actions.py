"""Commands on classes: keys that put cells into them, and changes of the list."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject

from cellpose_studio.app.session.classes import (
    add_class,
    change_class,
    put_into_class,
    remove_class,
)
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.provenance.classes.cell_class import (
    KEYS,
    CellClass,
    free_name,
)
from cellpose_studio.core.wording import cell_count
from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.commands.reasons import needs_masks
from cellpose_studio.ui.display.cell_colouring import CLASS, CellColouring
from cellpose_studio.ui.measure.classes.class_dialog import ClassDialog
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.tools.manager import ToolManager

_CHANGING = "Changing the classes"
_NO_CLASS = "No class has this key. Add classes in the Measure tab."
_CHOOSE = "Choose cells, or point at one, and press the key again."


class ClassActions(QObject):
    """Puts cells into classes, and changes the list of classes."""

    def __init__(
        self, services: Services, tools: ToolManager, colouring: CellColouring
    ) -> None:
        super().__init__()
        self._services = services
        self._session = services.session
        self._colouring = colouring
        self._mode = tools.mode
        self.tools = tools
        tools.changed.connect(self._on_tool)

    def commands(self) -> list[Command | None]:
        """Return the commands for the menu, None for separators."""
        masks = needs_masks(self._session)
        return [
            *(self._key_command(key) for key in KEYS),
            Command(
                "clearClass",
                "C&lear the class",
                lambda: self.put(None),
                key="0",
                tip="Take the chosen cells, or the one under the mouse, out of their "
                "class.",
                reason_disabled=masks,
            ),
            None,
            Command(
                "colourByClass",
                "&Colour cells by class",
                self.colour,
                tip="Give each cell the colour of its class.",
                reason_disabled=masks,
            ),
        ]

    def put(self, number: int | None) -> None:
        """Put the cells that are meant into a class; None takes them out of any."""
        image, cells = self._session.shown, self.tools.meant
        if number is not None:
            self.tools.set_class(number)
        if image is None or not cells:
            self._services.messages.note(_CHOOSE)
            return
        changed = put_into_class(self._session, image, cells, number)
        one = self._session.masks.classes.get(number) if number is not None else None
        if changed and len(cells) > 1:
            where = f"put into the class {one.name}" if one else "taken out of theirs"
            self._services.messages.note(f"{cell_count(changed)} {where}.")
        self.colour()

    def colour(self) -> None:
        """Colour the cells by their class."""
        self._colouring.choose(CLASS, "Class")

    def add(self) -> None:
        """Ask for a name, and add a class."""
        classes = self._session.masks.classes
        name = free_name(classes.every, f"Class {len(classes.present) + 1}")
        wanted = ClassDialog.ask_new(self._services.parent, name)
        if wanted is not None:

            def put() -> None:
                self.tools.set_class(add_class(self._session, wanted).id)
                self.colour()

            self._try(put)

    def edit(self, one: CellClass) -> None:
        """Ask for another name, colour and key of a class."""
        changed = ClassDialog.ask(self._services.parent, one)
        if changed is not None:
            self._try(lambda: change_class(self._session, changed))

    def remove(self, one: CellClass) -> None:
        """Remove a class from the list."""
        remove_class(self._session, one)
        self._services.messages.note(
            f"The class {one.name} was removed, and its cells have none. Press Ctrl+Z "
            "to undo it."
        )

    def _try(self, change: Callable[[], object]) -> None:
        try:
            change()
        except StudioError as error:
            self._services.show_error(error, _CHANGING)
        else:
            self._services.messages.settle(_CHANGING)

    def _key_command(self, key: int) -> Command:
        return Command(
            f"class{key}",
            f"Class &{key}",
            lambda: self._put_key(key),
            key=str(key),
            tip=lambda: self._key_tip(key),
            detail=lambda: self._name(key),
            reason_disabled=lambda: "" if self._of_key(key) else _NO_CLASS,
        )

    def _put_key(self, key: int) -> None:
        one = self._of_key(key)
        if one is not None:
            self.put(one.id)

    def _of_key(self, key: int) -> CellClass | None:
        classes = self._session.masks.classes.present
        return next((one for one in classes if one.key == key), None)

    def _name(self, key: int) -> str:
        one = self._of_key(key)
        return f": {one.name}" if one else ""

    def _key_tip(self, key: int) -> str:
        return (
            "Put the chosen cells, or the one under the mouse, into the class"
            f"{self._name(key)}."
        )

    def _on_tool(self) -> None:
        """Show the classes when the tool that sets them is taken."""
        if self.tools.mode != self._mode and self.tools.mode == "classify":
            self.colour()
        self._mode = self.tools.mode
