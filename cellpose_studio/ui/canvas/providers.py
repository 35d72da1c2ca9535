"""What napari's own commands have to be told."""

from __future__ import annotations

from typing import Any


def provide(model: Any) -> Any:
    """Let napari's commands find this viewer; they only look for its own window.

    Without, its buttons (home, 2D/3D) and the menu of its layer list raise.
    """
    from napari._app_model import get_app_model  # PRIVATE
    from napari.components import LayerList, ViewerModel
    from napari.layers import Layer
    from napari.utils.events import Selection

    return get_app_model().injection_store.register(
        providers=[
            (lambda: model, ViewerModel, 100),
            (lambda: model.layers, LayerList, 100),
            (lambda: model.layers.selection.active, Layer, 100),
            (lambda: model.layers.selection, Selection[Layer], 100),
        ]
    )
