"""Mouse gestures on the image, as the user has set them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QKeySequence

from cellpose_studio.app.settings import Settings

BUTTONS = {"left": 1, "right": 2, "middle": 3}
"""Buttons of the mouse by their names in the settings, with vispy's numbers."""

MODIFIERS = {"Ctrl": "Control", "Shift": "Shift", "Alt": "Alt"}
"""Modifiers by their names in the settings, with vispy's names."""

_NOT_SET = "(not set)"


@dataclass(frozen=True)
class Trigger:
    """What starts a gesture: a button of the mouse, and the modifiers held with it.

    Attributes
    ----------
    button
        One of `BUTTONS`.
    modifiers
        Some of `MODIFIERS`.
    """

    button: str
    modifiers: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Trigger:
        """Return the trigger of a text such as "Ctrl+left".

        Raises
        ------
        ValueError
            If the text has no known button, or other modifiers.
        """
        *modifiers, button = text.split("+")
        if button not in BUTTONS or not MODIFIERS.keys() >= set(modifiers):
            raise ValueError(f"{text!r} is no mouse gesture")
        return cls(button, frozenset(modifiers))

    def __str__(self) -> str:
        return "+".join([*self._held, self.button])

    @property
    def _held(self) -> list[str]:
        return [name for name in MODIFIERS if name in self.modifiers]

    def matches(self, button: int, modifiers: frozenset[str]) -> bool:
        """Return whether exactly these are pressed; "Meta" is not looked at."""
        held = {MODIFIERS[name] for name in self.modifiers}
        return BUTTONS[self.button] == button and held == modifiers - {"Meta"}

    def text(self, motion: str) -> str:
        """Return the gesture for people: "Ctrl+click", "right-drag".

        Parameters
        ----------
        motion
            "click" or "drag".
        """
        word = motion if self.button == "left" else f"{self.button}-{motion}"
        # Qt writes the modifiers as the system does; the letter is cut off again.
        keys = QKeySequence("+".join([*self._held, "A"]))
        native = keys.toString(QKeySequence.SequenceFormat.NativeText)
        return native.removesuffix("A") + word


@dataclass(frozen=True, kw_only=True)
class Gesture:
    """One gesture that can be changed.

    Attributes
    ----------
    name
        Key in the settings.
    effect
        What it does, as an order: "Delete the cell".
    default
        Its trigger at first, as `Trigger.parse` takes it.
    tools
        Modes of the tools that it works with; empty for all.
    """

    name: str
    effect: str
    default: str
    tools: frozenset[str] = frozenset()

    def meets(self, other: Gesture) -> bool:
        """Return whether a tool has both gestures."""
        return not self.tools or not other.tools or bool(self.tools & other.tools)


class Gestures(QObject):
    """Changes the triggers of gestures and saves them in the settings.

    Parameters
    ----------
    records
        All gestures that can be changed.
    """

    changed = Signal()

    def __init__(self, records: Iterable[Gesture], settings: Settings) -> None:
        super().__init__()
        self.records = {record.name: record for record in records}
        self._settings = settings
        self._triggers: dict[str, Trigger | None] = {}
        self._apply()

    def trigger(self, name: str) -> Trigger | None:
        """Return what starts a gesture; None if nothing does."""
        return self._triggers[name]

    def matches(self, name: str, button: int, modifiers: frozenset[str]) -> bool:
        """Return whether what is pressed starts a gesture."""
        trigger = self._triggers[name]
        return trigger is not None and trigger.matches(button, modifiers)

    def reason_refused(self, name: str, trigger: Trigger) -> str:
        """Return why a gesture cannot have a trigger; "" if it can."""
        record = self.records[name]
        for other in self.records.values():
            taken = other.name != name and self._triggers[other.name] == trigger
            if taken and record.meets(other):
                text = capitalised(trigger.text("click"))
                return (
                    f"{text} is the gesture of “{other.effect}” already. Change that "
                    "one first, or choose another."
                )
        return ""

    def set(self, name: str, trigger: Trigger | None) -> None:
        """Set what starts a gesture; None for nothing.

        Raises
        ------
        ValueError
            If another gesture of the same tool has the trigger.
        """
        if trigger is not None and (reason := self.reason_refused(name, trigger)):
            raise ValueError(reason)
        self._save(name, trigger)
        self._apply()

    def reset(self, name: str) -> None:
        """Set the default trigger, as `set` does."""
        self.set(name, self.default(name))

    def reset_all(self) -> None:
        """Set the default triggers of all gestures."""
        for name in self.records:
            self._settings.set_gesture(name, None)
        self._apply()

    def default(self, name: str) -> Trigger:
        """Return the default trigger of a gesture."""
        return Trigger.parse(self.records[name].default)

    def is_changed(self, name: str) -> bool:
        """Return whether a gesture has another trigger than its default one."""
        return self._triggers[name] != self.default(name)

    def fill_in(self, text: str) -> str:
        """Return a text with the gestures in it: "{delete:Click} to delete a cell".

        After the colon stands "click" or "drag", with a capital to begin a sentence.
        """
        return text.format_map(_Texts(self._triggers))

    def _save(self, name: str, trigger: Trigger | None) -> None:
        # Defaults are not saved, so that a later version can change them.
        text = "" if trigger is None else str(trigger)
        is_default = trigger == self.default(name)
        self._settings.set_gesture(name, None if is_default else text)

    def _apply(self) -> None:
        self._triggers = dict.fromkeys(self.records)
        own = self._read()
        # Those of the user come first: a newer version may have a gesture whose default
        # the user has given to another one.
        for name, trigger in own.items():
            self._put(name, trigger)
        for name in self.records.keys() - own.keys():
            self._put(name, self.default(name))
        self.changed.emit()

    def _read(self) -> dict[str, Trigger | None]:
        """Return the triggers of the settings that this version understands."""
        found: dict[str, Trigger | None] = {}
        for name, text in self._settings.gestures.items():
            # The file of settings may be damaged, or of a newer version.
            with suppress(ValueError):
                if name in self.records:
                    found[name] = Trigger.parse(text) if text else None
        return found

    def _put(self, name: str, trigger: Trigger | None) -> None:
        """Set a trigger that is free."""
        if trigger is not None and not self.reason_refused(name, trigger):
            self._triggers[name] = trigger


class _Text:
    """A trigger in a text; its format is the motion."""

    def __init__(self, trigger: Trigger | None) -> None:
        self._trigger = trigger

    def __format__(self, motion: str) -> str:
        text = self._trigger.text(motion.lower()) if self._trigger else _NOT_SET
        return capitalised(text) if motion[:1].isupper() else text


class _Texts(dict[str, _Text]):
    def __init__(self, triggers: Mapping[str, Trigger | None]) -> None:
        super().__init__({name: _Text(one) for name, one in triggers.items()})


def capitalised(text: str) -> str:
    """Return a text with a capital at its beginning; the rest stays as it is."""
    return text[:1].upper() + text[1:]
