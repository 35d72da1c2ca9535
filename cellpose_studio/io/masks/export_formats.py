"""The formats that masks can be exported as: one record each.

The dialog, ``segment --save`` and the export itself read this table, in its order.
"""

from __future__ import annotations

from cellpose_studio.io.masks.export_format import LARGEST_UINT16, ExportFormat
from cellpose_studio.io.masks.imagej_rois import write_rois
from cellpose_studio.io.masks.label_images import write_png, write_tif
from cellpose_studio.io.masks.outlines import write_outlines
from cellpose_studio.io.masks.seg_npy import export_seg

_ONE_PLANE = "it holds one plane, not a stack or a time series"

TIF = ExportFormat(
    name="tif",
    ending="_cp_masks.tif",
    text="Masks as TIFF (_cp_masks.tif)",
    write=write_tif,
)
PNG = ExportFormat(
    name="png",
    ending="_cp_masks.png",
    text="Masks as PNG (_cp_masks.png), single planes",
    write=write_png,
    most_axes=2,
    reason_too_many_axes=_ONE_PLANE,
    most_cells=LARGEST_UINT16,
)
SEG = ExportFormat(
    name="npy",
    ending="_seg.npy",
    text="Cellpose's own file (_seg.npy)",
    write=export_seg,
    most_axes=3,
    reason_too_many_axes="it holds one stack, not a time series of stacks",
)
ROIS = ExportFormat(
    name="rois",
    ending="_rois.zip",
    text="ImageJ regions (_rois.zip)",
    write=write_rois,
    keeps_ids=True,
    without_cells=False,
)
OUTLINES = ExportFormat(
    name="outlines",
    ending="_cp_outlines.txt",
    text="Outlines as text (_cp_outlines.txt), single planes",
    write=write_outlines,
    most_axes=2,
    reason_too_many_axes=_ONE_PLANE,
)

FORMATS = {form.name: form for form in (TIF, PNG, SEG, ROIS, OUTLINES)}
"""By name, in the order in which they are offered and written."""

IDS_ENDING = "_cp_masks_ids.csv"
"""Ending of the table of both numbers of cells, beside formats that number them anew.
"""
