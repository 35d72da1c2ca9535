"""Dialog for the contents, the size and the file of a figure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.core.display.figure import FigureOptions
from cellpose_studio.ui.figure.making import Scene, figure_size
from cellpose_studio.ui.figure.preview import FigurePreview
from cellpose_studio.ui.figure.writing import ENDINGS

_FILES = "Figures (*.png *.svg *.pdf)"
_CORNERS = {
    "Bottom right": (False, False),
    "Bottom left": (True, False),
    "Top right": (False, True),
    "Top left": (True, True),
}
_MAX_PIXELS = 32767
"""Longest side of an image that Qt can paint on."""


class FigureDialog(QDialog):
    """Asks for the options and the file of a figure, with a preview.

    Parameters
    ----------
    path
        The suggested file.
    options
        The options chosen last.
    scene
        The contents of the canvas.
    words
        Whether the canvas shows cell labels.
    queue
        Queue of the preview.
    """

    def __init__(
        self,
        path: Path,
        options: FigureOptions,
        scene: Scene,
        words: bool,
        queue: JobQueue,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export figure")
        self._scene = scene
        self._first = options
        self._drawn: FigureOptions | None = None
        self.preview = FigurePreview(scene, queue)
        self._make(path, options, words)
        self._lay_out()
        self._describe()
        self._connect()
        self._refresh()

    @property
    def path(self) -> Path:
        """The file to write."""
        return Path(self.file.text().strip())

    @property
    def options(self) -> FigureOptions:
        """The chosen options."""
        left, top = self.corner.currentData()
        own = self.line_colour.currentData()
        return replace(
            self._first,
            whole=bool(self.what.currentData()),
            scale=self.scale.value(),
            dpi=self.dpi.value(),
            fill=self.fill.isChecked(),
            outlines=self.outlines.isChecked(),
            line_width=self.line_width.value(),
            line_colour=own,
            words=self.words.isChecked(),
            text_size=self.text_size.value(),
            bar=self.bar.isChecked(),
            bar_length=self.bar_length.value(),
            bar_left=left,
            bar_top=top,
            legend=self.legend.isChecked(),
        )

    def _make(self, path: Path, o: FigureOptions, words: bool) -> None:
        self.what = QComboBox(objectName="figureWhat")
        self.what.addItem("Whole image plane", True)
        self.what.addItem("Visible region", False)
        self.what.setCurrentIndex(0 if o.whole else 1)
        self.scale = _number("figureScale", o.scale, 0.05, 32, 0.5)
        self.scale.setToolTip(
            "Pixels of the figure per pixel of the image. Raise it for finer lines."
        )
        self.dpi = QSpinBox(objectName="figureDpi", minimum=30, maximum=1200)
        self.dpi.setValue(o.dpi)
        self.dpi.setSuffix(" dpi")
        self.size_text = QLabel(objectName="figureSize")
        self.fill = QCheckBox("Fill the cells", checked=o.fill)
        self.outlines = QCheckBox("Outlines", checked=o.outlines)
        self.line_width = _number("figureLine", o.line_width, 0.1, 10, 0.25, " pt")
        self.line_colour = QComboBox(objectName="figureColour")
        self.line_colour.addItem("Colour of each cell", "")
        for name, colour in (
            ("Yellow", "#ffd400"),
            ("White", "#ffffff"),
            ("Black", "#000000"),
        ):
            self.line_colour.addItem(name, colour)
        if o.line_colour and self.line_colour.findData(o.line_colour) < 0:
            self.line_colour.addItem(o.line_colour, o.line_colour)
        self.line_colour.addItem("Another…", None)
        self.line_colour.setCurrentIndex(
            max(self.line_colour.findData(o.line_colour), 0)
        )
        self.words = QCheckBox("Cell labels", checked=words)
        self.words.setToolTip("Add the labels chosen in View > Cell labels.")
        self.text_size = _number("figureText", o.text_size, 2, 48, 0.5, " pt")
        self.bar = QCheckBox("Scale bar", checked=o.bar)
        unit = " px" if self._scene.image.pixel_size_um[1] is None else " µm"
        self.bar_length = _number("figureBar", o.bar_length, 0, 1e6, 10, unit)
        self.bar_length.setSpecialValueText("automatic")
        self.corner = QComboBox(objectName="figureCorner")
        for name, corner in _CORNERS.items():
            self.corner.addItem(name, corner)
        self.corner.setCurrentIndex([*_CORNERS.values()].index((o.bar_left, o.bar_top)))
        self.legend = QCheckBox("Legend of the colours", checked=o.legend)
        means = self._scene.legend is not None
        self.legend.setEnabled(means)
        self.legend.setToolTip(
            "Say what the colours of the cells mean, beside the corner of the scale "
            "bar."
            if means
            else "Colour the cells by a measurement or by their class first."
        )
        self.file = QLineEdit(str(path), objectName="figureFile")
        self.wrong = QLabel(objectName="figureWrong", wordWrap=True)
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        ok = self.buttons.button(kinds.Ok)
        ok.setText("Export")
        ok.setToolTip("Write the figure. You are asked before a file is replaced.")

    def _describe(self) -> None:
        """Name the controls for screen readers, and say what each does."""
        for widget, name, tip in (
            (self.what, "Part of the image", "Draw all of the plane, or what is seen."),
            (self.scale, "Scale", self.scale.toolTip()),
            (
                self.dpi,
                "Resolution",
                "Pixels per inch of the printed figure: 300 suits most journals. Lines "
                "and letters are drawn larger for more.",
            ),
            (self.fill, "", "Fill the cells with the colours that they have now."),
            (self.outlines, "", "Draw a line around each cell."),
            (
                self.line_width,
                "Width of the outlines",
                "Width of the outlines in the printed figure, points.",
            ),
            (self.line_colour, "Colour of the outlines", "Colour of the outlines."),
            (
                self.text_size,
                "Size of the cell labels",
                "Size of the cell labels in the printed figure, points.",
            ),
            (self.bar, "", "Draw a bar of a known length."),
            (self.bar_length, "Length of the scale bar", "Length of the scale bar."),
            (
                self.corner,
                "Corner of the scale bar",
                "Corner in which the scale bar lies, with the legend beside it.",
            ),
            (
                self.file,
                "File of the figure",
                "The ending chooses the kind: .png of pixels, .svg and .pdf of lines "
                "that stay sharp.",
            ),
        ):
            widget.setToolTip(f"<qt>{tip}</qt>")
            if name:
                widget.setAccessibleName(name)

    def _lay_out(self) -> None:
        browse = QPushButton("Browse…", toolTip="Choose the file of the figure.")
        browse.clicked.connect(self._browse)
        form = QFormLayout()
        form.addRow("Show", self.what)
        form.addRow("Scale", _row(self.scale, self.dpi))
        form.addRow("", self.size_text)
        form.addRow("", self.fill)
        form.addRow(self.outlines, _row(self.line_width, self.line_colour))
        form.addRow(self.words, self.text_size)
        form.addRow(self.bar, _row(self.bar_length, self.corner))
        form.addRow(self.legend)
        file = QHBoxLayout()
        file.addWidget(self.file, 1)
        file.addWidget(browse)
        form.addRow("File", file)
        column = QVBoxLayout()
        column.addLayout(form)
        column.addStretch()
        column.addWidget(self.wrong)
        column.addWidget(self.buttons)
        row = QHBoxLayout(self)
        row.addWidget(self.preview)
        row.addLayout(column)

    def _connect(self) -> None:
        for choice in (self.what, self.line_colour, self.corner):
            choice.currentIndexChanged.connect(self._refresh)
        for number in (
            self.scale,
            self.dpi,
            self.line_width,
            self.text_size,
            self.bar_length,
        ):
            number.valueChanged.connect(self._refresh)
        self.file.textChanged.connect(self._refresh)
        # Qt emits `activated` only for a choice of the user, not for an index that the
        # code sets.
        self.line_colour.activated.connect(self._on_colour)
        for box in (self.fill, self.outlines, self.words, self.bar, self.legend):
            box.toggled.connect(self._refresh)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        # Drawing must not continue for a dialog that was closed.
        self.finished.connect(self.preview.stop)

    def _refresh(self, *_: object) -> None:
        """Show the size of the figure, the error if there is one, and the preview."""
        o = self.options
        width, height = figure_size(self._scene, o)
        self.size_text.setText(
            f"{width:,} × {height:,} pixels, {o.mm(width):.0f} × {o.mm(height):.0f} mm"
        )
        wrong = ""
        if max(height, width) > _MAX_PIXELS:
            wrong = "The figure is too large. Choose a smaller scale."
        elif self.path.suffix.lower() not in ENDINGS:
            wrong = "The file name must end in .png, .svg or .pdf."
        self.wrong.setText(wrong)
        self.wrong.setVisible(bool(wrong))
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setEnabled(not wrong)
        # Not for another file name, which leaves the preview as it is.
        if o != self._drawn:
            self._drawn = o
            self.preview.show_figure(o)
        for box, widgets in (
            (self.outlines, (self.line_width, self.line_colour)),
            (self.words, (self.text_size,)),
            (self.bar, (self.bar_length, self.corner)),
        ):
            for widget in widgets:
                widget.setEnabled(box.isChecked())

    def _on_colour(self, index: int) -> None:
        """Ask for a colour if "Another…" was chosen."""
        if self.line_colour.itemData(index) is not None:
            return
        colour = QColorDialog.getColor(QColor("#ffd400"), self)
        if not colour.isValid():
            self.line_colour.setCurrentIndex(0)
            return
        self.line_colour.insertItem(index, colour.name(), colour.name())
        self.line_colour.setCurrentIndex(index)

    def _browse(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Export figure", self.file.text(), _FILES
        )
        if path:
            self.file.setText(path)


def _number(
    name: str, value: float, low: float, high: float, step: float, suffix: str = ""
) -> QDoubleSpinBox:
    box = QDoubleSpinBox(objectName=name, minimum=low, maximum=high)
    box.setSingleStep(step)
    box.setValue(value)
    box.setSuffix(suffix)
    return box


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget, 1)
    return row
