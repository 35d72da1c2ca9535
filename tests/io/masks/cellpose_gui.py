"""Opens images with their _seg.npy files in Cellpose's own window; run by a test.

Arguments: image files, those of stacks with "3D:" before them. Prints a JSON list with
what the window has after it has loaded, shown, re-thresholded and saved each.
"""

import json
import logging
import sys

import numpy as np
from qtpy import QtWidgets

from cellpose_studio.engine.torchvision_ops import make_importable

make_importable()
if not hasattr(QtWidgets.QCheckBox, "checkStateChanged"):  # before Qt 6.7
    QtWidgets.QCheckBox.checkStateChanged = property(lambda box: box.stateChanged)

from cellpose.gui import gui, gui3d, io  # noqa: E402


def opened(path: str, window: gui.MainW, stacked: bool) -> dict[str, object]:
    io._load_image(window, filename=path, load_3D=stacked)
    found = {
        "loaded": window.loaded,
        "cells": int(window.ncells.get()),
        "masks": window.cellpix.tolist(),
        "outlines": window.outpix.tolist(),
        "manual": np.asarray(window.ismanual).tolist(),
        "colours": np.asarray(window.cellcolors[1:]).tolist(),
        "retunable": bool(window.recompute_masks),
        "percentile": window.get_normalize_params()["percentile"],
    }
    if len(window.flows[0]):
        for view in ("gradXY", "cellprob", *(["gradZ"] if stacked else [])):
            window.ViewDropDown.setCurrentText(view)
        window.ViewDropDown.setCurrentText("image")
    io._save_sets(window)
    if window.recompute_masks:
        window.compute_cprob()
        found["retuned"] = window.cellpix.squeeze().tolist()
    return found


def main() -> None:
    sys.stdout, answers = sys.stderr, sys.stdout
    app = QtWidgets.QApplication([])
    logger = logging.getLogger("cellpose")
    flat, deep = gui.MainW(logger=logger), gui3d.MainW_3d(logger=logger)
    deep.load_3D = True
    found = []
    for argument in sys.argv[1:]:
        path = argument.removeprefix("3D:")
        stacked = path != argument
        found.append(opened(path, deep if stacked else flat, stacked))
    json.dump(found, answers)
    app.quit()


if __name__ == "__main__":
    main()
