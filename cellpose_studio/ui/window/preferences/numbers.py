"""The page about how numbers are written."""

from __future__ import annotations

from qtpy.QtCore import QLocale

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.measure.table.model import number_text
from cellpose_studio.ui.window.preferences.fields import Choice, Switch
from cellpose_studio.ui.window.preferences.page import Page, note

_NAMES = ("decimal_point", "group_digits", "csv_style")
_SAMPLE = 12345.67
_CSV = {
    "comma": "12345.67 between commas",
    "semicolon": "12345,67 between semicolons",
}


class NumbersPage(Page):
    """Decimal point, groups of digits, CSV files."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, _NAMES)
        system = str(QLocale.system().decimalPoint())
        self.point = Choice(
            settings,
            "decimal_point",
            (
                (f"As the system: 0{system}5", "system"),
                ("Point: 0.5", "."),
                ("Comma: 0,5", ","),
            ),
            "Decimal sign",
            "In tables, fields and plots, and in what is copied to the clipboard. "
            "Choose what your spreadsheet takes.",
        )
        self.grouped = Switch(
            settings,
            "group_digits",
            "&Group the digits of large numbers",
            "In tables, to read them more easily. Not in what is copied or exported: "
            "other programs would read it wrongly.",
        )
        self.csv = Choice(
            settings,
            "csv_style",
            (
                ("Commas, and decimal points", "comma"),
                ("Semicolons, and decimal commas", "semicolon"),
            ),
            "Columns of CSV files",
            "Commas are what R, Python and this program itself expect. Semicolons are "
            "for Excel in most languages of Europe.",
        )
        window = self.group("In the window and on the clipboard")
        window.addRow("&Decimal sign", self.point)
        window.addRow(self.grouped)
        files = self.group(
            "In files",
            "Tables of cells and tracks exported as CSV from the Measure tab. Commands "
            "without a window always write commas and points. Parquet and all other "
            "formats do not depend on any language.",
        )
        files.addRow("&Columns of CSV", self.csv)
        self.sample = note("", "numberSample")
        sample = self.group("For example")
        sample.addRow(self.sample)
        self.finish()
        for name in _NAMES:
            getattr(settings.events, name).connect(self._show)
        self._show()

    def _show(self) -> None:
        copied = str(_SAMPLE).replace(".", str(QLocale().decimalPoint()))
        self.sample.setText(
            f"Shown: {number_text(_SAMPLE, 2)}. Copied: {copied}. In CSV files: "
            f"{_CSV[self.settings.csv_style]}."
        )
