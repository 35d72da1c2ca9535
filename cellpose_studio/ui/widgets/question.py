"""A question about one action that the user can cancel."""

from __future__ import annotations

from qtpy.QtWidgets import QMessageBox, QWidget


def ask(
    parent: QWidget,
    title: str,
    text: str,
    more: str,
    action: str,
    final: bool = False,
) -> bool:
    """Ask whether to do something; return whether the user agrees.

    Parameters
    ----------
    text
        The question.
    more
        What follows from it, in smaller letters.
    action
        Text of the button that agrees.
    final
        It cannot be undone, so Enter cancels.
    """
    box = QMessageBox(
        QMessageBox.Icon.Question,
        title,
        text,
        QMessageBox.StandardButton.Cancel,
        parent,
    )
    box.setInformativeText(more)
    yes = box.addButton(action, QMessageBox.ButtonRole.AcceptRole)
    if final:
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return box.clickedButton() is yes
