"""Exports a model with its card, for others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QInputDialog

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.io.atomic import replacing
from cellpose_studio.ui.segment.models.model_picker import ModelPanel
from cellpose_studio.ui.services import Services

_LICENCES = ("CC-BY-4.0", "CC0-1.0", "MIT", "BSD-3-Clause")


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """One kind of file that a model is exported to."""

    title: str
    suffix: str = ""

    @property
    def filter(self) -> str:
        return f"{self.title} (*{self.suffix})"


_COPY = _Kind(title="Weights and card")
_CELLPOSE = _Kind(title="Weights for Cellpose 1 to 3")
_PACKAGE = _Kind(title="Package of bioimage.io", suffix=".zip")
_KINDS = {kind.filter: kind for kind in (_COPY, _CELLPOSE, _PACKAGE)}


class ModelExport:
    """Asks for a file, and writes the model that is selected among all models."""

    def __init__(self, services: Services, panel: ModelPanel) -> None:
        self._services = services
        self._browser = panel.browser
        panel.browser.export_requested.connect(self.ask)

    def ask(self, model: ModelSpec) -> None:
        """Ask where to export a model to, and as what."""
        folder = Path(self._services.settings.folder)
        file, chosen = QFileDialog.getSaveFileName(
            self._browser,
            f"Export {model.label}",
            str(folder / model.path.name),
            ";;".join(_KINDS),
        )
        if not file:
            return
        kind, out = _KINDS.get(chosen, _COPY), Path(file)
        if kind.suffix and out.suffix != kind.suffix:
            out = out.with_name(f"{out.name}{kind.suffix}")
        write = (
            self._package(model, out)
            if kind is _PACKAGE
            else _weights(kind, model, out)
        )
        if write is not None:
            self._services.run(
                f"Exporting {model.label}",
                lambda _: write(),
                lambda _: self._services.messages.note(
                    f"Exported {model.label} to {out.name} in {out.parent}."
                ),
            )

    def _package(self, model: ModelSpec, out: Path) -> Callable[[], None] | None:
        """Return what writes a package; None if the user tells no author or licence."""
        author, agreed = QInputDialog.getText(
            self._browser,
            "Author of the package",
            "Author:",
            text=self._services.session.project.author,
        )
        licence = model.licence
        if agreed and not licence:
            licence, agreed = QInputDialog.getItem(
                self._browser,
                "Licence of the package",
                "The model states no licence. Licence of the package (SPDX):",
                _LICENCES,
            )
        if not (agreed and author.strip() and licence.strip()):
            return None

        def write() -> None:
            from cellpose_studio.workflows.training.bioimageio.write import (
                write_package,
            )

            write_package(model, author.strip(), licence.strip(), out)

        return write


def _weights(kind: _Kind, model: ModelSpec, out: Path) -> Callable[[], None]:
    def write() -> None:
        # These import torch.
        if kind is _CELLPOSE:
            from cellpose_studio.engine.networks.widening import write_for_cellpose

            with replacing(out) as part:
                write_for_cellpose(model, part)
            return
        from cellpose_studio.workflows.training.bioimageio.write import write_copy

        write_copy(model, out)

    return write
