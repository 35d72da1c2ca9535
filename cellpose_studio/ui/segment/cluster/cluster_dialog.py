"""The dialog in which a cluster is set up."""

from __future__ import annotations

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.segment.cluster.scheduler_form import SchedulerForm

_WIDTH = 640


class ClusterDialog(QDialog):
    """Names the scheduler to which runs in blocks go."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Cluster")
        self.form = SchedulerForm(settings)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addStrut(_WIDTH)
        column.addWidget(self.form)
        column.addWidget(buttons)
        self.form.address.setFocus()

    def done(self, result: int) -> None:
        """Stop a check when the dialog is closed."""
        self.form.shut_down()
        super().done(result)


def show_cluster(settings: Settings, parent: QWidget) -> None:
    """Let the user set up a cluster."""
    dialog = ClusterDialog(settings, parent)
    dialog.exec()
    dialog.deleteLater()
