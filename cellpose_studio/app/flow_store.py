"""The flows of runs and imports, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.cache.flows import BUDGET, FlowCache, flow_key


class FlowStore:
    """Finds flows again by what they were made from. For any thread.

    Parameters
    ----------
    folder
        Where they lie.
    """

    def __init__(self, folder: Path, budget: int = BUDGET) -> None:
        self._cache = FlowCache(folder, budget)

    def put(
        self,
        image: ImageSource,
        record: RunRecord | None,
        revision: LabelRevision,
        flows: Flows,
    ) -> None:
        """Keep flows; those that were used longest ago may go for it."""
        self._cache.put(_key(image, record, revision), flows)

    def get(
        self, image: ImageSource, record: RunRecord | None, revision: LabelRevision
    ) -> Flows | None:
        """Return the flows that masks were made from; None if they are gone."""
        return self._cache.get(_key(image, record, revision))


def _key(image: ImageSource, record: RunRecord | None, revision: LabelRevision) -> str:
    if record is not None:
        return flow_key(
            image.fingerprint,
            image.scene,
            record.model.sha256,
            record.parameters,
            # Keys of torch's flows are those of earlier versions.
            f"{record.precision} {record.engine}"
            if record.engine == "openvino"
            else record.precision,
            image.file_axes,
        )
    # Those of a file; it is known by when it was imported.
    content = f"{image.fingerprint} {image.scene} {revision.flow_key}"
    return hashlib.sha256(content.encode()).hexdigest()
