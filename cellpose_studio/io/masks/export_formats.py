"""The formats that masks can be exported as: one record each.

The dialog, ``segment --save`` and the export itself read this table, in its order.
"""

from __future__ import annotations

from cellpose_studio.io.masks.exchange.coco.writer import (
    write_coco,
    write_coco_polygons,
)
from cellpose_studio.io.masks.exchange.geojson import write_geojson
from cellpose_studio.io.masks.exchange.imagej.rois import write_rois
from cellpose_studio.io.masks.exchange.label_images import write_png, write_tif
from cellpose_studio.io.masks.exchange.ome.tiff import write_ome_tiff
from cellpose_studio.io.masks.exchange.ome.zarr_writer import (
    write_ome_zarr_04,
    write_ome_zarr_05,
)
from cellpose_studio.io.masks.exchange.outlines import write_outlines
from cellpose_studio.io.masks.exchange.tracks.hyperstack import (
    write_cellprofiler,
    write_trackmate_stack,
)
from cellpose_studio.io.masks.exchange.tracks.tracking_challenge import (
    write_ctc_result,
    write_ctc_truth,
)
from cellpose_studio.io.masks.exchange.tracks.trackmate import write_trackmate
from cellpose_studio.io.masks.export_format import LARGEST_UINT16, ExportFormat
from cellpose_studio.io.masks.seg_npy import export_seg

_ONE_PLANE = "it holds one plane, not a stack or a time series"

_LABELS = "Label images"
_CELLPOSE = "Cellpose"
_REGIONS = "Outlines and regions, with the ids of cells"
_TRACKS = "Time series"

# Of an image, and of its labels; the numbers are levels.
_ZARR_FILES = r"(labels/(cells/)?)?(zarr\.json|\.zgroup|\.zattrs|\.zmetadata)"
_ZARR_LEVELS = r"(labels/cells/)?\d+/.+"

TIF = ExportFormat(
    name="tif",
    ending="_cp_masks.tif",
    text="TIFF (_cp_masks.tif)",
    group=_LABELS,
    tip="For Cellpose, Fiji, Cell-ACDC and most other programs.",
    write=write_tif,
)
PNG = ExportFormat(
    name="png",
    ending="_cp_masks.png",
    text="PNG (_cp_masks.png), single planes",
    tip="One grey value for each cell, up to 65,535; Cellpose and most programs read "
    "it.",
    group=_LABELS,
    write=write_png,
    most_axes=2,
    reason_too_many_axes=_ONE_PLANE,
    most_cells=LARGEST_UINT16,
)
OME_TIFF = ExportFormat(
    name="ome-tiff",
    ending=".ome_cp_masks.tif",
    text="OME-TIFF (.ome_cp_masks.tif)",
    group=_LABELS,
    tip="For Bio-Formats, OMERO and QuPath, with axes and pixel size.",
    write=write_ome_tiff,
)
CELLPROFILER = ExportFormat(
    name="cellprofiler",
    ending="_cellprofiler_masks.tif",
    text="CellProfiler objects (_cellprofiler_masks.tif)",
    group=_LABELS,
    tip="Choose the image type Objects in CellProfiler.",
    write=write_cellprofiler,
    most_axes=3,
    reason_too_many_axes="it holds one stack, not a time series of stacks",
    most_cells=LARGEST_UINT16,
)
OME_ZARR = ExportFormat(
    name="ome-zarr",
    ending="_cp_masks.ome.zarr",
    text="OME-Zarr 0.5 (_cp_masks.ome.zarr)",
    group=_LABELS,
    tip="Holds a copy of the image, and the masks as its labels.",
    write=write_ome_zarr_05,
    folder=True,
    contents=f"{_ZARR_FILES}|{_ZARR_LEVELS}",
    keeps_ids=True,
)
OME_ZARR_04 = ExportFormat(
    name="ome-zarr-0.4",
    ending="_cp_masks.v04.ome.zarr",
    text="OME-Zarr 0.4 (_cp_masks.v04.ome.zarr)",
    group=_LABELS,
    tip="For programs that cannot read version 0.5. Holds a copy of the image.",
    write=write_ome_zarr_04,
    folder=True,
    contents=f"{_ZARR_FILES}|{_ZARR_LEVELS}",
    keeps_ids=True,
)
SEG = ExportFormat(
    name="npy",
    ending="_seg.npy",
    text="Cellpose's own file (_seg.npy)",
    group=_CELLPOSE,
    tip="Opens in Cellpose's window, with the flows where there are some.",
    write=export_seg,
    most_axes=3,
    reason_too_many_axes="it holds one stack, not a time series of stacks",
)
OUTLINES = ExportFormat(
    name="outlines",
    ending="_cp_outlines.txt",
    text="Outlines as text (_cp_outlines.txt), single planes",
    group=_CELLPOSE,
    tip="A line for each cell, for Cellpose's macro for ImageJ.",
    write=write_outlines,
    most_axes=2,
    reason_too_many_axes=_ONE_PLANE,
)
ROIS = ExportFormat(
    name="rois",
    ending="_rois.zip",
    text="ImageJ regions (_rois.zip)",
    group=_REGIONS,
    tip="For the ROI Manager of ImageJ and Fiji. A region covers exactly its pixels.",
    write=write_rois,
    keeps_ids=True,
    without_cells=False,
)
GEOJSON = ExportFormat(
    name="geojson",
    ending="_cells.geojson",
    text="QuPath objects (_cells.geojson)",
    group=_REGIONS,
    tip="Drop the file on the image in QuPath: each cell becomes a detection.",
    write=write_geojson,
    keeps_ids=True,
)
COCO = ExportFormat(
    name="coco",
    ending="_coco.json",
    text="COCO, run lengths (_coco.json)",
    group=_REGIONS,
    tip="For training in other programs. Exact, with holes.",
    write=write_coco,
    keeps_ids=True,
)
COCO_POLYGONS = ExportFormat(
    name="coco-polygons",
    ending="_coco_polygons.json",
    text="COCO, polygons (_coco_polygons.json)",
    group=_REGIONS,
    tip="For annotation tools that cannot edit run lengths, such as CVAT.",
    write=write_coco_polygons,
    keeps_ids=True,
)
TRACKMATE = ExportFormat(
    name="trackmate",
    ending="_trackmate.xml",
    text="TrackMate file (_trackmate.xml)",
    group=_TRACKS,
    tip="Spots, outlines and tracks: a track is a cell of the same id over time.",
    write=write_trackmate,
    needs_time=True,
    keeps_ids=True,
)
TRACKMATE_STACK = ExportFormat(
    name="trackmate-stack",
    ending="_trackmate_masks.tif",
    text="TrackMate label image (_trackmate_masks.tif)",
    group=_TRACKS,
    tip="The image, with the masks as last channel: for TrackMate's label image "
    "detector.",
    write=write_trackmate_stack,
    needs_time=True,
)
CTC = ExportFormat(
    name="ctc",
    ending="_RES",
    text="Cell Tracking Challenge, result (_RES)",
    group=_TRACKS,
    tip="A folder of label images, with res_track.txt.",
    write=write_ctc_result,
    folder=True,
    contents=r"mask\d+\.tif|res_track\.txt",
    needs_time=True,
    keeps_ids=True,
)
CTC_TRUTH = ExportFormat(
    name="ctc-truth",
    ending="_GT",
    text="Cell Tracking Challenge, truth (_GT)",
    group=_TRACKS,
    tip="A folder TRA of label images, with man_track.txt.",
    write=write_ctc_truth,
    folder=True,
    contents=r"TRA/man_track(\d+\.tif|\.txt)",
    needs_time=True,
    keeps_ids=True,
)

FORMATS = {
    form.name: form
    for form in (
        *(TIF, PNG, OME_TIFF, OME_ZARR, OME_ZARR_04, CELLPROFILER),
        *(SEG, OUTLINES),
        *(ROIS, GEOJSON, COCO, COCO_POLYGONS),
        *(TRACKMATE, TRACKMATE_STACK, CTC, CTC_TRUTH),
    )
}
"""By name, in the order in which they are offered and written."""

IDS_ENDING = "_cp_masks_ids.csv"
"""Ending of the table of both numbers of cells, beside formats that number them anew.
"""
