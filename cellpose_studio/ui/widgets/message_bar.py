"""Bar for failures and notes above the image."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from html import escape

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.failures import Failure, failure_of
from cellpose_studio.app.jobs import Job
from cellpose_studio.core.errors import StudioError

_NOTE_DURATION = 8000  # ms
_OFFER_DURATION = 30_000  # ms; an offer takes longer to be weighed


class MessageBar(QFrame):
    """Shows one message, with a hint on what to do; the newest replaces older ones.

    A failure of an action, such as a job, goes when the same one succeeds later.

    Attributes
    ----------
    show_unexpected
        Shows failures that nobody expected elsewhere; None to show them here.
    """

    def __init__(self) -> None:
        super().__init__(objectName="messageBar")
        self.show_unexpected: Callable[[Failure], None] | None = None
        self._details = ""
        self._accept: Callable[[], object] | None = None
        self._failure: Failure | None = None
        self._action = ""
        self._shown = 0  # how many messages were shown
        self.text = QLabel(objectName="message", wordWrap=True)
        # Otherwise Qt takes an escaped text without tags for plain, and shows "&amp;".
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.action = QPushButton("Accept", objectName="messageAction")
        self.details = QPushButton("Details…", objectName="messageDetails")
        self.dismiss = QPushButton("Close", objectName="messageClose")
        self.action.setToolTip("Do what the message offers.")
        self.details.setToolTip("Show more, to be read or copied.")
        self.dismiss.setToolTip("Hide the message.")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        row.addWidget(self.text, 1)
        row.addWidget(self.action)
        row.addWidget(self.details)
        row.addWidget(self.dismiss)
        self._timer = QTimer(self, singleShot=True, interval=_NOTE_DURATION)
        self._timer.timeout.connect(self._on_time)
        self._numbers = itertools.count()
        self._in_dialogs: dict[int, DialogNote] = {}
        self.action.clicked.connect(self._on_action)
        self.details.clicked.connect(self._show_details)
        self.dismiss.clicked.connect(self.hide)
        self.hide()

    def over(self, below: QWidget) -> QGridLayout:
        """Return a layout of a widget with the bar over its upper edge.

        A bar that makes room for itself moves the image under the mouse.
        """
        layout = QGridLayout()
        layout.addWidget(below, 0, 0)
        layout.addWidget(self, 0, 0, Qt.AlignmentFlag.AlignTop)
        self.raise_()
        return layout

    def fail(self, failure: Failure, action: str = "") -> None:
        """Show a failure until the user closes it; in front of a modal dialog, too.

        It goes by itself when the ``action``, such as the title of a job, succeeds.
        """
        if failure.source and self.show_unexpected is not None:
            self.show_unexpected(failure)
            return
        self.show_in_bar(failure)
        self._action = action
        dialog = QApplication.activeModalWidget()
        if dialog is not None:
            _show_over(dialog, failure)

    def show_in_bar(self, failure: Failure) -> None:
        """Show a failure in the bar alone, until the user closes it."""
        text = f"<b>{escape(failure.message)}</b> {escape(failure.hint)}"
        self._show(text.strip(), "failure")
        self._failure = failure
        self._details = failure.details
        self.details.setVisible(bool(failure.details))
        # The timer of an earlier note would hide the failure.
        self._timer.stop()

    def settle(self, action: str) -> None:
        """Hide the failure of an action, which has succeeded now."""
        if self._failure is not None and self._action == action:
            self.hide()

    def follow(self, job: Job) -> None:
        """Hide the failure of such a job when this one succeeds.

        Of what the program does by itself, the user repeats nothing, so that its
        failures stay.
        """
        if job.quiet:
            return
        before = [0]

        def begin() -> None:
            before[0] = self._shown

        def fail(error: Exception) -> None:
            # The unexpected has a dialog of its own.
            known = isinstance(error, StudioError)
            if known and self._failure == failure_of(error):
                self._action = job.title

        def finish(_: object) -> None:
            # What was shown since is part of what this job has come to.
            if self._shown == before[0]:
                self.settle(job.title)

        job.started.connect(begin)
        job.failed.connect(fail)
        job.finished.connect(finish)

    def fail_together(
        self,
        failures: Sequence[Failure],
        notes: Sequence[Failure] = (),
        action: str = "",
    ) -> None:
        """Show several failures as one message, with all of them in the details.

        Notes on what was opened follow in the details; they do not count as failures.
        """
        first, count = failures[0], len(failures)
        if count + len(notes) == 1:
            self.fail(first, action)
            return
        lines = details_of([*failures, *notes])
        if count == 1:
            self.fail(Failure(first.message, first.hint, lines), action)
            return
        self.fail(
            Failure(
                f"{count} files could not be opened.",
                f"First error: {first.message}",
                lines,
            ),
            action,
        )

    def note(self, text: str, details: str = "") -> None:
        """Show a note for some seconds; longer if it has details.

        Also in the dialog that the user works in, which may cover the bar.
        """
        self._note(text, details)
        dialog = _dialog_in_use()
        layout = dialog.layout() if dialog is not None else None
        # Boxes that ask something have another layout, and are closed soon.
        if dialog is not None and isinstance(layout, QVBoxLayout):
            self._show_in(dialog, layout, text)

    def clear_note(self) -> None:
        """Hide a note that is no longer true; failures and offers stay."""
        if self.property("kind") == "note" and self._accept is None:
            self.hide()
            self._close_in_dialogs()

    def offer(
        self, text: str, action: str, accept: Callable[[], object], details: str = ""
    ) -> None:
        """Show a note with a button, which calls ``accept`` and hides the note."""
        self._note(text, details)
        self._accept = accept
        self.action.setText(action)
        self.action.show()
        self._timer.start(_OFFER_DURATION)

    def withdraw(self, accept: Callable[[], object]) -> None:
        """Hide the offer of ``accept``, if it is shown: there is nothing left to do."""
        if self._accept == accept:
            self._accept = None
            self.hide()

    def withdraw_offer(self) -> None:
        """Hide any offer: what it is about is not there any more."""
        if self._accept is not None:
            self.withdraw(self._accept)

    def _note(self, text: str, details: str) -> None:
        self._show(escape(text), "note")
        self._details = details
        self.details.setVisible(bool(details))
        self._timer.start(_OFFER_DURATION if details else _NOTE_DURATION)

    def _show_in(self, dialog: QDialog, layout: QVBoxLayout, text: str) -> None:
        note, number = DialogNote(text, dialog), next(self._numbers)
        self._in_dialogs[number] = note
        # It goes with the dialog, too.
        note.destroyed.connect(lambda _=None: self._in_dialogs.pop(number, None))
        layout.insertWidget(0, note)
        # A layout would show it with the next events only.
        note.show()

    def _close_in_dialogs(self) -> None:
        for note in list(self._in_dialogs.values()):
            note.close()

    def _on_time(self) -> None:
        # Behind a modal dialog, nobody can have read it.
        if QApplication.activeModalWidget() is not None:
            self._timer.start()
        else:
            self.hide()

    def _on_action(self) -> None:
        # It is hidden first, because what is called may show a message of its own.
        self.hide()
        if self._accept is not None:
            self._accept()

    def _show(self, text: str, kind: str) -> None:
        # An offer holds on to what it would bring back.
        self._accept = self._failure = None
        self._action = ""
        self._shown += 1
        self._close_in_dialogs()
        self.action.hide()
        self.text.setText(text)
        if kind != self.property("kind"):
            self.setProperty("kind", kind)
            # Qt applies style rules on a changed property only after polishing anew.
            self.style().unpolish(self)
            self.style().polish(self)
        self.show()

    def _show_details(self) -> None:
        details_dialog(self._details, self).exec()


def details_of(failures: Sequence[Failure]) -> str:
    """Return failures and notes as paragraphs; "" for none."""
    return "\n\n".join(map(_lines, failures))


def _lines(failure: Failure) -> str:
    text = f"{failure.message} {failure.hint}".strip()
    return f"{text}\n{failure.details}" if failure.details else text


def _show_over(dialog: QWidget, failure: Failure) -> None:
    """Show a failure in front of a modal dialog, which hides the bar from the user."""
    icon = QMessageBox.Icon.Warning
    box = QMessageBox(icon, dialog.windowTitle(), failure.message, parent=dialog)
    box.setObjectName("failureBox")
    # Plain, because messages contain names of files.
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(failure.hint)
    box.setDetailedText(failure.details)
    # Otherwise the dialog would keep each closed box as a child.
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()


def details_dialog(details: str, parent: QWidget) -> QDialog:
    """Return a dialog with a read-only text, which can be copied."""
    dialog = QDialog(parent)
    dialog.setWindowTitle("Details")
    text = QPlainTextEdit(details, readOnly=True)
    text.setAccessibleName("Details")
    text.setToolTip("Select a part of it to copy it.")
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    column = QVBoxLayout(dialog)
    column.addWidget(text)
    column.addWidget(buttons)
    dialog.resize(720, 360)
    return dialog


class DialogNote(QFrame):
    """Shows a note at the upper edge of a dialog for some seconds."""

    def __init__(self, text: str, dialog: QDialog) -> None:
        super().__init__(dialog, objectName="dialogNote")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.text = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        dismiss = QPushButton("Close", objectName="dialogNoteClose", autoDefault=False)
        dismiss.setToolTip("Hide the message.")
        dismiss.clicked.connect(self.close)
        row = QHBoxLayout(self)
        row.addWidget(self.text, 1)
        row.addWidget(dismiss)
        timer = QTimer(self, singleShot=True, interval=_NOTE_DURATION)
        timer.timeout.connect(self.close)
        timer.start()


def _dialog_in_use() -> QDialog | None:
    """Return the dialog that the user works in; None in the window itself."""
    window = QApplication.activeModalWidget() or QApplication.activeWindow()
    return window if isinstance(window, QDialog) else None
