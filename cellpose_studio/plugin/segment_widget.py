"""The Segment tab as a widget of plain napari."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QLabel, QVBoxLayout, QWidget

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.core.wording import counted
from cellpose_studio.engine.networks.catalogue import from_file, offered
from cellpose_studio.plugin.layers import image_of, placement
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.window.job_bar import JobBar

RECORD = "cellpose_studio"
"""Metadata key of a layer of masks: the record of how they were made."""

_NO_IMAGE = "Choose an image layer, or several of one size as channels."


class SegmentWidget(QWidget):
    """Segments the chosen image layers of a viewer; masks become a layer.

    Several chosen image layers are the channels of one image.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._image: ImageSource | None = None
        self.panel = SegmentPanel()
        # Of a project, and of its list of images, there is nothing here.
        for part in (
            self.panel.presets,
            self.panel.parameters.scope,
            self.panel.result.count,
        ):
            part.hide()
        self.status = QLabel(objectName="segmentStatus", wordWrap=True)
        self.queue = JobQueue()
        column = QVBoxLayout(self)
        column.addWidget(self.panel, 1)
        column.addWidget(self.status)
        column.addWidget(JobBar(self.queue))
        for model in offered():
            self.panel.model.add_model(model)
        self.panel.run_requested.connect(self.run)
        self.panel.model.file_requested.connect(self._ask_for_model)
        selection = napari_viewer.layers.selection.events.changed
        selection.connect(self._on_layers)
        self.destroyed.connect(self.queue.shut_down)
        self.destroyed.connect(lambda: selection.disconnect(self._on_layers))
        self._on_layers()

    def run(self) -> Job | None:
        """Run the model on the chosen layers; return the job, None without any."""
        request, image = self.panel.run_request(), self._image
        if request is None or image is None:
            return None
        job = Job(f"Segmenting {image.name}", lambda c: _segmented(image, *request, c))
        job.finished.connect(lambda result: self._add(*result))
        job.failed.connect(self._tell)
        self.status.setText("")
        return self.queue.start(job)

    def _on_layers(self, _: object = None) -> None:
        """Show the parameters that apply to the chosen image layers."""
        chosen = [
            layer
            for layer in self._viewer.layers
            if layer in self._viewer.layers.selection
            and type(layer).__name__ == "Image"
        ]
        self._image = None
        try:
            if chosen:
                self._image = image_of(
                    [(layer.data, _attributes(layer)) for layer in chosen],
                    chosen[0].name,
                )
            self.status.setText("" if chosen else _NO_IMAGE)
        except StudioError as error:
            self._tell(error)
        image = self._image
        self.panel.show_image(
            None if image is None else ProjectImage(id=0, source=image)
        )

    def _add(self, result: Segmentation, record: RunRecord) -> None:
        image, chosen = result.image, set(self._viewer.layers.selection)
        self._viewer.add_labels(
            result.labels,
            name=f"{image.name} cells",
            metadata={RECORD: record.model_dump(mode="json")},
            **placement(image),
        )
        # The next run is on the image again, not on its masks.
        self._viewer.layers.selection = chosen
        cells = counted(record.cells or 0, "cell")
        told = [f"{cells}, diameter {result.parameters.diameter:g} px.", *result.notes]
        self.status.setText(" ".join([*told, result.hint.in_window()]).strip())

    def _ask_for_model(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Add a model")
        if file:
            job = Job(f"Reading {Path(file).name}", lambda _: from_file(Path(file)))
            job.finished.connect(lambda model: self.panel.model.add_model(model, True))
            job.failed.connect(self._tell)
            self.queue.start(job)

    def _tell(self, error: Exception) -> None:
        self.status.setText(str(error))


def _attributes(layer: Any) -> dict[str, Any]:
    return {
        "name": layer.name,
        "rgb": layer.rgb,
        "scale": layer.scale,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }


def _segmented(
    image: ImageSource,
    model: ModelSpec,
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> tuple[Segmentation, RunRecord]:
    """Run the model, in the thread of the job: torch takes seconds to import."""
    from cellpose_studio.engine.device import available_devices
    from cellpose_studio.workflows.provenance.run_record import record_of
    from cellpose_studio.workflows.segment import segment

    started = datetime.now(UTC)
    device = available_devices()[0]
    result = segment(image, model, parameters, checkpoint, device)
    return result, record_of(result, started)
