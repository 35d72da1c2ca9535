"""Opens the guide at the page about what the user is doing."""

from __future__ import annotations

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices

from cellpose_studio.paths import resource

PAGES = {
    "Segment": "segmenting",
    "Curate": "correcting",
    "Measure": "measurements",
    "Train": "training",
    "History": "provenance",
}
"""By the title of a tab: the page about it."""

SECTIONS = {"Evaluation": "evaluation"}
"""By the title of a section of a tab: the page about it, where it has its own."""

DIALOGS = {
    "AxesDialog": "formats",
    "ClassDialog": "measurements",
    "ColumnChooser": "measurements",
    "CrashDialog": "when-something-goes-wrong",
    "ErrorDialog": "when-something-goes-wrong",
    "ExperimentDialog": "measurements",
    "ExportDialog": "exchange",
    "FigureDialog": "correcting",
    "LinkDialog": "correcting",
    "ModelBrowser": "models",
    "SearchDialog": "evaluation",
    "SelfTestDialog": "install",
    "SizesDialog": "measurements",
    "TableExportDialog": "measurements",
}
"""By the class of a dialog: the page about it."""

FIRST = "index"

NOT_BUILT = (
    "There is no guide in this installation, because it was not built in the sources. "
    "There, packaging/dev docs builds it; its pages are in docs/."
)


def page_about(tab: str, section: str = "") -> str:
    """Return the page about a tab and its section, given their titles.

    Another title of a tab gives the first page.
    """
    return SECTIONS.get(section) or PAGES.get(tab, FIRST)


def open_page(page: str) -> str:
    """Open a page of the guide in the user's browser.

    Returns
    -------
    What hindered it, as a sentence; empty if nothing did.
    """
    try:
        file = resource(f"guide/{page}.html")
    except FileNotFoundError:
        return NOT_BUILT
    if QDesktopServices.openUrl(QUrl.fromLocalFile(str(file))):
        return ""
    return f"No program opens the guide, which is in {file}."
