"""The dialogs of the export of masks: what, where, and over which files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.wording import cell_count, first_names
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.io.masks.export_target import IfExists
from cellpose_studio.ui.files.dialogs import ok_cancel

_WIDTH = 520  # px
_BESIDE = "beside each image"


class ExportDialog(QDialog):
    """Asks for the formats and the folder of an export of masks.

    Parameters
    ----------
    images
        They have masks, all of them.
    kinds
        Formats that are ticked at first.
    folder
        Where the files go; "" for beside each image.
    """

    def __init__(
        self,
        images: Sequence[ProjectImage],
        kinds: Sequence[str],
        folder: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export masks")
        self._images = images
        self.what = QLabel(objectName="exportWhat", wordWrap=True)
        column = QVBoxLayout(self)
        # A least width of the dialog itself would be all that is kept of its texts.
        column.addStrut(_WIDTH)
        column.addWidget(self.what)
        axes = {image.source.label_axes for image in images}
        self._checks = {kind: _check(kind, axes, kinds) for kind in FORMATS}
        for check in self._checks.values():
            check.toggled.connect(self._on_toggled)
        column.addLayout(self._formats())
        column.addSpacing(8)
        rejected = self._rejected = sum(map(len, map(rejected_cells, images)))
        self.rejected = QCheckBox(
            f"Include {cell_count(rejected)} that you rejected",
            objectName="includeRejected",
            visible=rejected > 0,
        )
        self.rejected.setToolTip("Otherwise the files have the other cells only.")
        self.rejected.toggled.connect(self._on_rejected)
        self._on_rejected(False)
        column.addWidget(self.rejected)
        self.folder = QLineEdit(folder, objectName="saveFolder")
        self.folder.setPlaceholderText(_BESIDE)
        self.folder.setToolTip(
            "The folder is made if it does not exist. Leave it empty to put the files "
            "beside each image."
        )
        self.folder.setAccessibleName("Folder of the files")
        self.folder.setClearButtonEnabled(True)
        column.addLayout(self._folder_row())
        tip = "Write the files that are ticked. You are asked before any is replaced."
        self._buttons = ok_cancel(self, "Export", tip)
        column.addWidget(self._buttons)
        self._on_toggled()

    @property
    def kinds(self) -> list[str]:
        """The chosen formats, as keys of `FORMATS`."""
        return [kind for kind, check in self._checks.items() if check.isChecked()]

    @property
    def chosen_folder(self) -> Path | None:
        """The chosen folder; None for beside each image."""
        text = self.folder.text().strip()
        return Path(text).expanduser() if text else None

    def _formats(self) -> QHBoxLayout:
        """Lay out the choices under the headings of their groups, in two columns."""
        groups: dict[str, list[QCheckBox]] = {}
        for kind, check in self._checks.items():
            groups.setdefault(FORMATS[kind].group, []).append(check)
        columns = QVBoxLayout(), QVBoxLayout()
        filled = 0
        for group, checks in groups.items():
            column = columns[2 * filled >= len(self._checks)]
            filled += len(checks)
            column.addWidget(QLabel(f"<b>{group}</b>"))
            for check in checks:
                column.addWidget(check)
            column.addSpacing(8)
        row = QHBoxLayout()
        for one in columns:
            # Otherwise rows would be as far apart as columns.
            one.setSpacing(6)
            one.addStretch()
            row.addLayout(one)
        row.setSpacing(24)
        return row

    def _folder_row(self) -> QFormLayout:
        browse = QPushButton("Browse…", toolTip="Choose the folder of the files.")
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        form = QFormLayout()
        form.addRow("Folder", row)
        return form

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder", self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _on_rejected(self, included: bool) -> None:
        self.what.setText(_what(self._images, 0 if included else self._rejected))

    def _on_toggled(self) -> None:
        ok = self._buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setEnabled(bool(self.kinds))


def ask_if_exists(files: Sequence[Path], parent: QWidget) -> IfExists | None:
    """Ask once what to do with files that exist; None: cancelled."""
    one = len(files) == 1
    box = QMessageBox(
        QMessageBox.Icon.Question,
        "Export masks",
        f"{files[0].name} exists already."
        if one
        else f"{len(files):,} files exist already.",
        QMessageBox.StandardButton.Cancel,
        parent,
    )
    box.setInformativeText(
        "What is replaced cannot be brought back, such as masks of another program, or "
        "drawn by hand there."
    )
    box.setDetailedText("\n".join(map(str, files)))
    role = QMessageBox.ButtonRole
    number = box.addButton("Add a number", role.AcceptRole)
    box.setDefaultButton(number)
    answers: dict[object, IfExists] = {
        number: "number",
        box.addButton(
            "Skip the image" if one else "Skip their images", role.AcceptRole
        ): "skip",
        box.addButton("Replace", role.DestructiveRole): "replace",
    }
    box.exec()
    return answers.get(box.clickedButton())


def rejected_cells(image: ProjectImage) -> list[int]:
    """Return the cells that the active masks have and the user rejected."""
    statuses, masks = image.statuses.get(image.active, {}), image.masks
    rejected = [cell for cell, status in statuses.items() if status == "rejected"]
    if masks is None or not masks.pixels.loaded:
        return rejected
    table = masks.pixels.cell_table()
    return [cell for cell in rejected if table.size_of(cell)]


def _check(kind: str, axes: Collection[str], kinds: Sequence[str]) -> QCheckBox:
    form = FORMATS[kind]
    check = QCheckBox(form.text, objectName=f"save_{kind}")
    reasons = [*map(form.reason_unfit, sorted(axes))]
    reason = next(filter(None, reasons), "")
    fits = not all(reasons)
    check.setEnabled(fits)
    check.setChecked(fits and kind in kinds)
    if reason:
        which = "not for all of these images" if fits else "not for these masks"
        tip = f"{form.tip} {which.capitalize()}: {reason}.".strip()
        check.setToolTip(f"{tip} Those are left out." if fits else tip)
    else:
        check.setToolTip(form.tip)
    return check


def _what(images: Sequence[ProjectImage], left_out: int) -> str:
    """Name the images and count their cells, without those that are left out."""
    cells = sum(image.masks.cells for image in images if image.masks is not None)
    cells -= left_out
    names = first_names([image.source.name for image in images])
    masks = f" (masks “{images[0].active}”)" if len(images) == 1 else ""
    return f"{names}: {cell_count(cells)}{masks}"
