"""The choice of what runs networks on the processor."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox

from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.settings import Settings
from cellpose_studio.engine.versions import has_openvino


class EngineChoice(QComboBox):
    """Chooses between torch and OpenVINO, if that is installed, for all runs."""

    def __init__(self) -> None:
        super().__init__(objectName="engine")
        self.addItem("PyTorch", "")
        self.addItem("OpenVINO", "openvino")
        self.setAccessibleName("Engine")
        self.setToolTip(
            "<qt>What runs U-Nets on the processor. OpenVINO takes a third less time; "
            "a few pixels of the masks may differ. The record of a run says which it "
            "was.</qt>"
        )

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to choose from."""
        return has_openvino()

    def follow(self, settings: Settings, runs: Runs) -> None:
        """Show the engine that was chosen last, and use the one shown for runs."""
        if not self.is_needed:
            return
        self.setCurrentIndex(self.findData(settings.engine))
        runs.engine = settings.engine

        def choose() -> None:
            settings.engine = runs.engine = self.currentData()

        self.currentIndexChanged.connect(choose)
