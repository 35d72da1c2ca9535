"""The checks that need no window: one record each.

Whoever adds a feature that an installation may break adds a record here; one that
needs the window goes into the table of the window's checks.
"""

from __future__ import annotations

from cellpose_studio.workflows.self_test.check import REPORT_IT, Check
from cellpose_studio.workflows.self_test.classes import check_classes
from cellpose_studio.workflows.self_test.device import check_device
from cellpose_studio.workflows.self_test.folders import check_folders
from cellpose_studio.workflows.self_test.formats import (
    check_compressions,
    check_microscopes,
    check_ome_zarr,
    check_pictures,
    check_tiff,
)
from cellpose_studio.workflows.self_test.guide import check_guide
from cellpose_studio.workflows.self_test.measurements import check_measurements
from cellpose_studio.workflows.self_test.models import check_models
from cellpose_studio.workflows.self_test.training import check_training

_SLOW = 600.0
_INSTALL_AGAIN = "Install the program again; a part of it is missing or damaged."

CHECKS = (
    Check(
        name="folders",
        title="Folders",
        shows="Projects, settings and results can be written.",
        advice="Give yourself the right to write there, or let CELLPOSE_STUDIO_HOME "
        "name another folder.",
        run=check_folders,
    ),
    Check(
        name="models",
        title="Models",
        shows="The models that are shipped are there and unchanged.",
        advice="Install the program again; a model is missing or damaged.",
        run=check_models,
    ),
    Check(
        name="guide",
        title="Guide",
        shows="F1 opens its pages, and their links lead somewhere.",
        advice="Install the program again; pages of the guide are missing.",
        run=check_guide,
    ),
    Check(
        name="tiff",
        title="TIFF and OME-TIFF",
        shows="TIFF files of microscopes and of ImageJ can be opened.",
        advice=_INSTALL_AGAIN,
        run=check_tiff,
    ),
    Check(
        name="compressions",
        title="Compressed TIFF",
        shows="TIFF files of each compression can be opened.",
        advice="Install the program again; imagecodecs lacks a codec. Until then, "
        "save such files without compression.",
        run=check_compressions,
    ),
    Check(
        name="pictures",
        title="PNG and JPEG",
        shows="Pictures can be opened.",
        advice=_INSTALL_AGAIN,
        run=check_pictures,
    ),
    Check(
        name="ome_zarr",
        title="OME-Zarr",
        shows="OME-Zarr of both formats can be opened.",
        advice="Install the program again; zarr or one of its codecs is missing.",
        run=check_ome_zarr,
    ),
    Check(
        name="microscopes",
        title="Files of microscopes",
        shows="CZI, LSM, ND2, LIF, OIB, STK and IMS files can be opened.",
        advice="Install the program again; a library that reads one of the formats is "
        "missing. Until then, export such files as OME-TIFF.",
        run=check_microscopes,
    ),
    Check(
        name="measurements",
        title="Measurements",
        shows="Cells can be measured, and their tables written as CSV and Parquet.",
        advice=_INSTALL_AGAIN,
        run=check_measurements,
    ),
    Check(
        name="classes",
        title="Classes of cells",
        shows="Cells can be put into classes by a classifier.",
        advice=_INSTALL_AGAIN,
        run=check_classes,
    ),
    Check(
        name="device",
        title="Graphics card",
        shows="The graphics card computes what the processor computes.",
        advice="Choose the CPU, and update the driver of the graphics card.",
        run=check_device,
        limit=_SLOW,
    ),
    Check(
        name="training",
        title="Training",
        shows="A model can be trained, saved and loaded.",
        advice=REPORT_IT,
        run=check_training,
        limit=_SLOW,
    ),
)
"""In the order in which they are tried."""
