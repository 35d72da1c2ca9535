"""A viewer of napari that leaves keys and dropped files to the window."""

from __future__ import annotations

import warnings
from typing import Any

from cellpose_studio.ui.canvas.viewer.lazy_nodes import install_lazy_nodes
from cellpose_studio.ui.canvas.viewer.napari_parts import (
    install_plane_sliders,
    use_few_units,
    without_unused_parts,
    write_icons_once,
)
from cellpose_studio.ui.canvas.viewer.scale_bar import install_scale_bar
from cellpose_studio.ui.canvas.viewer.theme import set_theme


def new_viewer(theme: str) -> tuple[Any, Any]:
    """Return napari's model of a viewer, and the widget that shows it."""
    use_few_units()
    # napari reads its settings at import, which must come after `isolate_napari`.
    with without_unused_parts(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "System theme detection")  # Qt 5 only
        write_icons_once()
        from napari.components import ViewerModel
        from napari.qt import QtViewer, get_qapp

        # This also registers the search paths of napari's icons.
        get_qapp()
        install_plane_sliders()
        install_scale_bar()
        install_lazy_nodes()

    class Viewer(QtViewer):
        def dragEnterEvent(self, event: Any) -> None:
            """Leave dropped files to the window; napari would open them itself."""
            event.ignore()

        def _on_active_change(self) -> None:  # PRIVATE
            """Leave all keys to the commands of the window.

            Those of napari transpose and tile the view, and delete layers.
            """
            self._key_map_handler.keymap_providers = []  # PRIVATE

        def _bind_shortcuts(self) -> None:  # PRIVATE
            """Bind no keys of napari; each would be told to its welcome screen."""

    model = ViewerModel(title="Cellpose Studio")
    set_theme(model, theme)
    # The units of the layers make it µm, or pixels if their size is unknown.
    model.canvas.overlays.scale_bar.visible = True
    return model, Viewer(model)
