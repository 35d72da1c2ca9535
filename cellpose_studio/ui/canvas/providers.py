"""Providers of the viewer for napari's own commands."""

from __future__ import annotations

from typing import Any


def provide(model: Any) -> Any:
    """Register providers of this viewer in napari's injection store.

    Napari's own providers search for napari's window only, which does not exist here:
    its buttons (home, 2D/3D) and the menu of its layer list would raise.

    Returns
    -------
    An object whose ``cleanup`` unregisters them.
    """
    from napari._app_model import get_app_model  # PRIVATE
    from napari.components import LayerList, ViewerModel
    from napari.layers import Layer
    from napari.utils.events import Selection

    return get_app_model().injection_store.register(
        # The weight puts these before napari's own providers.
        providers=[
            (lambda: model, ViewerModel, 100),
            (lambda: model.layers, LayerList, 100),
            (lambda: model.layers.selection.active, Layer, 100),
            (lambda: model.layers.selection, Selection[Layer], 100),
        ]
    )
