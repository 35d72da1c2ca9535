"""The masks that undo would come to first, so that they need not be read again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from cellpose_studio.app.label_set import LabelSet
from cellpose_studio.core.revision import LabelRevision

_BYTES = 1_500_000_000
"""With their flows, which are three times as large."""


class RecentLabels:
    """Label sets by revision, up to a number of bytes; the newest is always there.

    Parameters
    ----------
    dropped
        Is told of each that is kept no more.
    """

    def __init__(
        self, dropped: Callable[[LabelSet], None], capacity: int = _BYTES
    ) -> None:
        self._dropped = dropped
        self._capacity = capacity
        self._labels: OrderedDict[int, LabelSet] = OrderedDict()

    def keep(self, labels: LabelSet) -> None:
        """Keep masks that have a revision; older ones may go."""
        assert labels.revision is not None
        self._labels[labels.revision.id] = labels
        self._labels.move_to_end(labels.revision.id)
        size = sum(labels.nbytes for labels in self._labels.values())
        while size > self._capacity and len(self._labels) > 1:
            oldest = self._labels.popitem(last=False)[1]
            size -= oldest.nbytes
            self._dropped(oldest)

    def get(self, revision: LabelRevision) -> LabelSet | None:
        """Return the masks of a revision, if they are kept."""
        return self._labels.get(revision.id)

    def replace(self, old: LabelRevision, labels: LabelSet) -> None:
        """Keep masks under their new revision; the old one has other pixels."""
        self._labels.pop(old.id, None)
        self.keep(labels)
