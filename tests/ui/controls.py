"""What a control tells of itself: name for screen readers, tooltip, size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QCheckBox,
    QDialogButtonBox,
    QGroupBox,
    QLabel,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QTabBar,
    QToolButton,
    QWidget,
)

_ROLES = QDialogButtonBox.ButtonRole
_BY_TEXT = (QPushButton, QCheckBox, QRadioButton, QToolButton)
_SPARE = 1  # px, that roundings of a style may take


def focusable(root: QWidget) -> Iterator[QWidget]:
    """Yield the controls that the Tab key reaches, shown or not, but Qt's own parts."""
    for one in root.findChildren(QWidget):
        policy = one.focusPolicy() & Qt.FocusPolicy.TabFocus
        if policy and not _is_part(one) and one.focusProxy() is None:
            yield one


def wrong_with(root: QWidget) -> list[str]:
    """Return what is missing of names and tooltips of the controls of a window."""
    labels = [label for label in root.findChildren(QLabel) if label.buddy()]
    buddies = {label.buddy(): label.text() for label in labels}
    found = []
    for one in focusable(root):
        if not name_of(one, buddies):
            found.append(f"no name: {path_of(one)}")
        # A tooltip of the image would cover it.
        is_image = one.inherits("QOpenGLWidget")
        if not one.toolTip() and not _closes(one) and not is_image:
            found.append(f"no tooltip: {path_of(one)}")
    return found


def out_of_order(root: QWidget) -> list[str]:
    """Return the controls from which the Tab key goes up, but not to a next column."""
    known, chain = set(focusable(root)), []
    at = root.nextInFocusChain()
    while at is not None and at is not root:
        if at in known and at.isVisible() and at.isEnabled():
            chain.append(at)
        at = at.nextInFocusChain()
    found = []
    for one, following in pairwise(chain):
        before, after = _box_in(one, root), _box_in(following, root)
        if before.isEmpty() or after.isEmpty():
            continue
        if after.bottom() <= before.top() and after.left() < before.right():
            found.append(f"from {path_of(one)} up to {path_of(following)}")
    return found


def _box_in(one: QWidget, root: QWidget) -> QRect:
    """Return where the part of a control is that is not scrolled out of sight."""
    seen = one.visibleRegion().boundingRect()
    return seen.translated(one.mapTo(root, QPoint(0, 0)))


def name_of(control: QWidget, buddies: dict[QWidget, str]) -> str:
    """Return what a screen reader calls a control; "" if that is nothing."""
    text = control.accessibleName()
    if not text and isinstance(control, QAbstractButton):
        text = control.text()
    if not text and isinstance(control, QGroupBox):
        text = control.title()
    text = text or buddies.get(control, "")
    # Signs such as ↺ are no words.
    return text if any(letter.isalpha() for letter in text) else ""


def path_of(control: QWidget) -> str:
    """Return where a control is, for people who look for it."""
    names = []
    at: QWidget | None = control
    while at is not None and len(names) < 4:
        names.append(f"{type(at).__name__}#{at.objectName()}")
        at = None if at.isWindow() else at.parentWidget()
    text = getattr(control, "text", lambda: "")()
    return f"{' < '.join(names)} {text!r}"


def cut_off(root: QWidget) -> list[str]:
    """Return what is not seen as a whole: texts, and panels that scroll sideways."""
    found = []
    for one in root.findChildren(QWidget):
        if not one.isVisible() or _is_part(one):
            continue
        if isinstance(one, QAbstractScrollArea):
            bar = one.horizontalScrollBar()
            if isinstance(one, QScrollArea) and bar is not None and bar.maximum() > 0:
                found.append(f"scrolls sideways by {bar.maximum()}: {path_of(one)}")
            continue
        needed = _needed(one)
        if needed > one.width() + _SPARE:
            found.append(f"{needed} px in {one.width()}: {path_of(one)}")
        if isinstance(one, _BY_TEXT) and _hidden_part(one) > _SPARE:
            found.append(f"{_hidden_part(one)} px outside: {path_of(one)}")
    return found


def _needed(one: QWidget) -> int:
    """Return the width that a control needs for its text; 0 without one."""
    if isinstance(one, QLabel):
        if one.wordWrap():
            # The longest word has to fit.
            rich = "<" in one.text()
            words = [] if rich else one.text().split()
            return max(map(one.fontMetrics().horizontalAdvance, words), default=0)
        shortens = type(one).__name__ == "QElidingLabel" or not one.text()
        return 0 if shortens else one.sizeHint().width()
    if isinstance(one, _BY_TEXT) and type(one).__name__ != "ElidedButton":
        text = one.text().replace("&", "").split("\n")
        return max(map(one.fontMetrics().horizontalAdvance, text))
    return 0


def _hidden_part(one: QWidget) -> int:
    """Return how many pixels of the width of a control lie outside of its parents."""
    box = QRect(one.rect())
    at, parent = one, one.parentWidget()
    while parent is not None and not at.isWindow():
        box.translate(at.pos())
        if box.left() < 0 or box.right() >= parent.width():
            return max(-box.left(), box.right() + 1 - parent.width())
        at, parent = parent, parent.parentWidget()
    return 0


def _is_part(one: QWidget) -> bool:
    """Return whether a widget belongs to a control of Qt that speaks for it."""
    parent = one.parentWidget()
    names = one.objectName().startswith("qt_")
    own = isinstance(one, QTabBar | QScrollArea) or isinstance(parent, QTabBar)
    inside = parent is not None and parent.inherits("QComboBoxPrivateContainer")
    return names or own or inside or one.inherits("QComboBoxPrivateContainer")


def _closes(one: QWidget) -> bool:
    """Return whether a control is a button whose text says all: Cancel, Close."""
    box = one.parentWidget()
    if not isinstance(box, QDialogButtonBox) or not isinstance(one, QAbstractButton):
        return False
    return box.buttonRole(one) == _ROLES.RejectRole
