"""Forms generated from the fields of pydantic models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import UnionType
from typing import Any, Literal, Protocol, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QSpinBox,
    QWidget,
)

_NO_LIMIT = 1_000_000.0
"""Bound of a field without limits: a spin box always has a range."""
_MAX_DECIMALS = 6
_LENGTH = 10
"""Characters that choices have room for."""


def keep_narrow(box: QComboBox, letters: int) -> None:
    """Leave room for so many letters: a long entry must not widen the panel."""
    box.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    box.setMinimumContentsLength(letters)


class Editor(Protocol):
    """Interface of a widget that edits one field."""

    widget: QWidget

    def get(self) -> Any:
        """Return the value of the field."""

    def set(self, value: Any) -> None:
        """Show ``value``."""


class Form(QWidget):
    """Edits fields of a pydantic model, one row each.

    Titles, limits, units and tooltips are those of the model.

    Parameters
    ----------
    model
        The class of the model.
    fields
        Names of the fields to show, in order.
    """

    changed = Signal()

    def __init__(self, model: type[BaseModel], fields: Iterable[str]) -> None:
        super().__init__()
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._editors: dict[str, Editor] = {}
        for name in fields:
            field = model.model_fields[name]
            editor = self._editors[name] = _editor(field, self.changed.emit)
            editor.widget.setObjectName(name)
            set_tooltip(editor.widget, field.description or "")
            set_name(editor.widget, field.title or name)
            if isinstance(editor, _Check):
                layout.addRow(editor.widget)
                continue
            layout.addRow(field.title or name, editor.widget)
            set_tooltip(layout.labelForField(editor.widget), field.description or "")

    def values(self) -> dict[str, Any]:
        """Return the values of all fields by name."""
        return {name: editor.get() for name, editor in self._editors.items()}

    def set_values(self, values: dict[str, Any]) -> None:
        """Show the values whose names are fields of the form; emit `changed` once."""
        # One signal for all fields instead of one for each.
        self.blockSignals(True)
        for name, editor in self._editors.items():
            if name in values:
                editor.set(values[name])
        self.blockSignals(False)
        self.changed.emit()

    def suggest(self, name: str, value: float) -> None:
        """Show the automatic value of a field, if the field is set to automatic."""
        editor = self._editors[name]
        if isinstance(editor, _Automatic) and editor.get() is None:
            # It is shown in grey: nothing has changed until the user takes it.
            editor.box.blockSignals(True)
            _show(editor.box, value)
            editor.box.blockSignals(False)

    def widget_of(self, name: str) -> QWidget:
        """Return the widget of a field."""
        return self._editors[name].widget


def fields_of(model: type[BaseModel], group: str) -> list[str]:
    """Return the names of the fields of ``model`` in ``group``."""
    return [
        name
        for name, field in model.model_fields.items()
        if extra(field).get("group") == group and _is_simple(field)
    ]


def extra(field: FieldInfo) -> dict[str, Any]:
    """Return the settings of a field for its form: group, step, unit."""
    found = field.json_schema_extra
    return found if isinstance(found, dict) else {}


def limits(field: FieldInfo, step: float) -> tuple[float, float]:
    """Return the lowest and the highest value of ``field`` in steps of ``step``."""
    low, high = -_NO_LIMIT, _NO_LIMIT
    for limit in field.metadata:
        if isinstance(limit, Ge):
            low = float(limit.ge)  # type: ignore[arg-type]
        elif isinstance(limit, Gt):
            # The bounds of a spin box are part of its range, so an open bound moves by
            # a step.
            low = float(limit.gt) + step  # type: ignore[arg-type]
        elif isinstance(limit, Le):
            high = float(limit.le)  # type: ignore[arg-type]
        elif isinstance(limit, Lt):
            high = float(limit.lt) - step  # type: ignore[arg-type]
    return low, high


def _is_simple(field: FieldInfo) -> bool:
    kind = field.annotation
    return not (isinstance(kind, type) and issubclass(kind, BaseModel))


def _editor(field: FieldInfo, changed: Callable[[], None]) -> Editor:
    kind = field.annotation
    if kind is bool:
        return _Check(field, changed)
    if get_origin(kind) is tuple:
        return _Pair(field, changed)
    if get_origin(kind) is Literal:
        return _Choice(field, changed)
    options = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    number = int if int in options else float
    if type(None) in options:
        return _Automatic(field, number, changed)
    return _Number(field, number, changed)


class _Check:
    def __init__(self, field: FieldInfo, changed: Callable[[], None]) -> None:
        self.widget = QCheckBox(field.title or "")
        self.widget.setChecked(bool(field.default))
        self.widget.toggled.connect(lambda _: changed())

    def get(self) -> bool:
        return bool(self.widget.isChecked())

    def set(self, value: bool) -> None:
        self.widget.setChecked(value)


class _Choice:
    """One of a few values; the hint ``choices`` has the text of each.

    The hint ``initial`` has the one that is shown at first, if not the default.
    """

    def __init__(self, field: FieldInfo, changed: Callable[[], None]) -> None:
        self.widget = QComboBox()
        # A long text must not widen the panel.
        keep_narrow(self.widget, _LENGTH)
        for value, text in extra(field)["choices"].items():
            self.widget.addItem(text, value)
        self.set(extra(field).get("initial", field.default))
        self.widget.currentIndexChanged.connect(lambda _: changed())

    def get(self) -> Any:
        return self.widget.currentData()

    def set(self, value: Any) -> None:
        self.widget.setCurrentIndex(self.widget.findData(value))


class _Number:
    def __init__(
        self, field: FieldInfo, number: type, changed: Callable[[], None]
    ) -> None:
        self.widget = number_box(field, number)
        self.widget.valueChanged.connect(lambda _: changed())

    def get(self) -> Any:
        return self.widget.value()

    def set(self, value: Any) -> None:
        _show(self.widget, value)


class _Pair:
    """Two numbers next to each other."""

    def __init__(self, field: FieldInfo, changed: Callable[[], None]) -> None:
        self.widget = QWidget()
        row = QHBoxLayout(self.widget)
        row.setContentsMargins(0, 0, 0, 0)
        low, high = extra(field).get("limits", (-_NO_LIMIT, _NO_LIMIT))
        self._boxes = []
        for value in field.default:
            box = QDoubleSpinBox(minimum=low, maximum=high, decimals=2, value=value)
            box.valueChanged.connect(lambda _: changed())
            row.addWidget(box, 1)
            self._boxes.append(box)

    def get(self) -> tuple[float, ...]:
        return tuple(box.value() for box in self._boxes)

    def set(self, value: tuple[float, ...]) -> None:
        for box, part in zip(self._boxes, value, strict=True):
            _show(box, part)


class _Automatic:
    """A number or None: the box is disabled while "Automatic" is checked."""

    def __init__(
        self, field: FieldInfo, number: type, changed: Callable[[], None]
    ) -> None:
        self.widget = QWidget()
        row = QHBoxLayout(self.widget)
        row.setContentsMargins(0, 0, 0, 0)
        self.box = number_box(field, number)
        if field.default is None:
            self.box.setValue(extra(field).get("automatic", 1))
        self.check = QCheckBox("Automatic")
        row.addWidget(self.box, 1)
        row.addWidget(self.check)
        # The initial state has to disable the box, but it is no change by the user:
        # `changed` is connected only after it was set.
        self.check.toggled.connect(self.box.setDisabled)
        self.check.setChecked(field.default is None)
        self.check.toggled.connect(lambda _: changed())
        self.box.valueChanged.connect(lambda _: changed())

    def get(self) -> Any:
        return None if self.check.isChecked() else self.box.value()

    def set(self, value: Any) -> None:
        self.check.setChecked(value is None)
        if value is not None:
            _show(self.box, value)


def number_box(field: FieldInfo, number: type) -> QAbstractSpinBox:
    """Return a spin box whose range is that of ``field``."""
    about = extra(field)
    step = 1 if number is int else about.get("step", 1.0)
    box: Any
    if number is int:
        low, high = limits(field, 1)
        box = QSpinBox(minimum=int(low), maximum=int(high), singleStep=step)
    else:
        # Qt rounds limits to the decimals of the box: 0.01 would become 0 with one.
        decimals = 1 if step >= 1 else 2
        low, high = limits(field, 10**-decimals)
        box = QDoubleSpinBox(decimals=decimals, singleStep=step)
        box.setRange(low, high)
    if unit := about.get("unit"):
        box.setSuffix(f" {unit}")
    if field.default is not None:
        box.setValue(field.default)
    # Only complete numbers are emitted: a typed 30 would begin with 3 otherwise.
    box.setKeyboardTracking(False)
    return box


def _show(box: QAbstractSpinBox, value: float) -> None:
    """Show a number in full, even if the box has fewer decimals."""
    if isinstance(box, QDoubleSpinBox):
        decimals = len(f"{value:.{_MAX_DECIMALS}f}".rstrip("0").partition(".")[2])
        box.setDecimals(max(box.decimals(), decimals))
    box.setValue(value)


def set_name(widget: QWidget, name: str) -> None:
    """Set what screen readers call a widget, and its parts that have no text."""
    for part in (widget, *widget.findChildren(QWidget)):
        if not isinstance(part, QAbstractButton):
            part.setAccessibleName(name)


def describe(widget: QWidget, name: str, tip: str) -> None:
    """Set what screen readers call a widget, and its tooltip."""
    widget.setAccessibleName(name)
    set_tooltip(widget, tip)


def set_tooltip(widget: QWidget, text: str) -> None:
    """Set the tooltip of a widget and its children, as rich text, which Qt wraps."""
    tip = f"<qt>{text}</qt>" if text else ""
    for part in (widget, *widget.findChildren(QWidget)):
        part.setToolTip(tip)
