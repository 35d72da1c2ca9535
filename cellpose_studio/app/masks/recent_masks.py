"""The masks that undo would come to first, so that they need not be read again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakMethod

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.core.provenance.revision import LabelRevision

_BYTES = 1_500_000_000
"""With their flows, which are three times as large."""


class MaskCache:
    """Label sets by revision, up to a number of bytes; the newest is always there.

    Parameters
    ----------
    let_go
        A method that releases masks when there are too many; False if they have to
        stay. Only a weak reference is kept.
    capacity
        Bytes of masks and flows that are kept.
    """

    def __init__(
        self, let_go: Callable[[LabelSet], bool], capacity: int = _BYTES
    ) -> None:
        # The owner of the method owns this cache. A strong reference back would be a
        # cycle that garbage collection, frozen once a project is loaded, never breaks.
        self._let_go = WeakMethod(let_go)
        self.capacity = capacity
        self._labels: OrderedDict[int, LabelSet] = OrderedDict()
        self._making_room = False

    def keep(self, labels: LabelSet) -> None:
        """Keep masks that have a revision; older ones may go."""
        assert labels.revision is not None
        number = labels.revision.id
        self._labels[number] = labels
        # What is sealed because it is to go is still the oldest.
        self._labels.move_to_end(number, last=not self._making_room)
        # Letting go of masks may seal them, which calls this method again.
        if not self._making_room:
            self._making_room = True
            try:
                self._make_room(number)
            finally:
                self._making_room = False

    def get(self, revision: LabelRevision) -> LabelSet | None:
        """Return the masks of a revision, if they are kept."""
        return self._labels.get(revision.id)

    def replace(self, old: LabelRevision, labels: LabelSet) -> None:
        """Keep masks under their new revision; the old one has other pixels."""
        self._labels.pop(old.id, None)
        self.keep(labels)

    def _make_room(self, newest: int) -> None:
        size = sum(labels.nbytes for labels in self._labels.values())
        # The loop needs a copy, because letting go may change the dict.
        for number, labels in list(self._labels.items()):
            if size <= self.capacity:
                break
            taken = labels.nbytes
            let_go = self._let_go()
            if number != newest and let_go is not None and let_go(labels):
                self._labels.pop(number, None)
                size -= taken
