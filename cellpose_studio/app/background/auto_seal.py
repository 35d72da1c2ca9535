"""Makes revisions of what was edited, once the user rests."""

from __future__ import annotations

from qtpy.QtCore import QTimer

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.session.session import Session

_REST = 30_000  # ms


class AutoSeal:
    """Seals edits when none has come for a while: the journal stays short.

    Nothing depends on it: each edit is durable in the journal already.
    """

    def __init__(self, session: Session, rest: int = _REST) -> None:
        self._session = session
        self._timer = QTimer(singleShot=True, interval=rest)
        self._timer.timeout.connect(self._seal)
        session.masks_changed.connect(self._on_masks)

    def _on_masks(self, change: MasksChange) -> None:
        if change.kind == "edited":
            self._timer.start()

    def _seal(self) -> None:
        if self._session.drawing:
            self._timer.start()
        else:
            self._session.seal_all()
