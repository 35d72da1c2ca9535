"""Recipe of a run as a script that uses Cellpose 4 only."""

from __future__ import annotations

from cellpose_studio.core.provenance.record import ImageRecord, RunRecord
from cellpose_studio.core.recipes.cellpose_holes import scaling_lines
from cellpose_studio.core.recipes.heading import heading, masks_name
from cellpose_studio.core.runs.parameters import GREY, SegmentationParameters

_TIFFS = (".tif", ".tiff", ".btf", ".tf8")
_PICTURES = (".png", ".jpg", ".jpeg")

_PASSED_ON = (
    "diameter",
    "flow_threshold",
    "cellprob_threshold",
    "min_size",
    "do_3D",
    "anisotropy",
    "flow3D_smooth",
    "resample",
    "niter",
    "max_size_fraction",
    "augment",
    "tile_overlap",
    "batch_size",
)
"""Parameters that are passed to ``CellposeModel.eval`` unchanged."""


def cellpose_script(record: RunRecord) -> str:
    """Return a script that needs nothing but Cellpose for TIFF, PNG and JPEG files.

    Other formats, and files with several images, are read with this package.
    """
    imports, pixels = _reading(record)
    whole = _as_volume(record)
    threads = f"torch.set_num_threads({record.threads})\n\n" if record.threads else ""
    run = (
        "[segmented(inputs(frame)) for frame in image]"
        if whole
        else "[segmented(plane) for frame in image for plane in inputs(frame)]"
    )
    shape = _label_shape(record.image)
    function, call = scaling_lines(record, whole)
    unit = "stacks" if whole else "planes"
    return f'''"""{heading(record)}
On a processor, fewer than 1 pixel in 1000 should differ.
"""

{imports}
{threads}# Time points, channels, planes, rows, columns.
{pixels}
model = models.CellposeModel(
    pretrained_model={record.model.path!r},
    device=torch.device({record.device or "cpu"!r}),
    use_bfloat16={record.precision == "bfloat16"},
)


def inputs(frame):
    """Return what the network sees: planes, rows, columns, inputs."""
    frame = {_near_zero(record)}.astype(np.float32)
{_inputs(record.parameters)}
{function}
def segmented(pixels):
    """Return the masks of a {"stack" if whole else "plane"}."""
{call}    masks = model.eval(
        pixels,
        channel_axis=-1,
{_arguments(record, whole, limits=bool(call))}    )[0]
{_without_border(record.parameters)}

parts = {run}

# No two {unit} share the number of a cell.
used = 0
for n, part in enumerate(parts):
    parts[n] = np.where(part > 0, part.astype(np.uint32) + used, 0)
    used += int(part.max(initial=0))
masks = np.stack(parts).reshape({shape!r}).astype(np.uint32)
tifffile.imwrite({masks_name(record)!r}, masks, photometric="minisblack")
print(used, "cells")
'''


def _reading(record: RunRecord) -> tuple[str, str]:
    """Return the lines that import, and those that read the image as TCZYX."""
    image = record.image
    needed = "models, utils" if record.parameters.exclude_on_edges else "models"
    lines = ["import numpy as np", "import tifffile", "import torch"]
    shape = tuple(image.shape)
    suffix = image.path[image.path.rfind(".") :].lower()
    other = suffix not in (*_TIFFS, *_PICTURES)
    if image.scene or other or {"C", "S"} <= set(image.axes):
        lines = [
            "from pathlib import Path\n",
            *lines,
            f"from cellpose import {needed}\n",
            "from cellpose_studio.io.images.reader import open_images",
        ]
        read = (
            f"scenes = open_images(Path({image.path!r}), axes={image.axes!r})\n"
            f"[scene] = [one for one in scenes if one.scene == {image.scene!r}]\n"
            "image = scene.reader.read(tuple(slice(0, n) for n in scene.shape))\n"
        )
        return "\n".join(lines) + "\n", read
    lines.append(f"from cellpose import {needed}")
    reader = "tifffile"
    if suffix in _PICTURES:
        lines.insert(0, "import imagecodecs")
        reader = "imagecodecs"
    read = f"image = {reader}.imread({image.path!r})\n"
    if reader == "tifffile":
        read += (
            f"if tifffile.TiffFile({image.path!r}).pages.first.photometric in (0, 3):\n"
            '    raise SystemExit("Palettes, and files in which 0 is white, are read '
            'by Cellpose Studio alone.")\n'
        )
    axes = image.axes
    if "S" in axes:
        colours = f"range({shape[1]})"
        read += f"image = image.take({colours}, axis={axes.index('S')})\n"
    order = tuple(axes.index(axis) for axis in "TCSZYX" if axis in axes)
    read += f"image = image.transpose({order}).reshape({shape})\n"
    return "\n".join(lines) + "\n", read


def _as_volume(record: RunRecord) -> bool:
    """Return whether the planes of a stack are passed to Cellpose together."""
    parameters = record.parameters
    joined = parameters.do_3D or parameters.stitch_threshold > 0
    return joined and record.image.shape[2] > 1


def _label_shape(image: ImageRecord) -> tuple[int, ...]:
    t, _, z, y, x = image.shape
    return (*(n for n in (t, z) if n > 1), y, x)


def _near_zero(record: RunRecord) -> str:
    """Return what centres values that float32 would round the contrast of away."""
    wide = record.image.dtype in ("int64", "uint64", "float64")
    if not wide or not record.parameters.normalization.normalize:
        return "frame"
    return "(frame - np.nanmedian(frame))"


def _inputs(parameters: SegmentationParameters) -> str:
    seen = []
    for channel in parameters.channels:
        if channel is None:
            seen.append("np.zeros_like(frame[0])")
        else:
            grey = channel == GREY
            seen.append("frame.mean(axis=0)" if grey else f"frame[{channel - 1}]")
    return f"    return np.stack([{', '.join(seen)}], axis=-1)\n"


def _arguments(record: RunRecord, whole: bool, limits: bool) -> str:
    parameters = record.parameters
    given = {name: getattr(parameters, name) for name in _PASSED_ON}
    if whole:
        given = {"z_axis": 0, **given}
        given["stitch_threshold"] = parameters.stitch_threshold
    normalization = {
        **parameters.normalization.model_dump(),
        "percentile": list(parameters.normalization.percentile),
    }
    # A run normalises planes one by one as well if it does not stitch them.
    if not whole and record.image.shape[2] > 1:
        normalization["norm3D"] = False
    lines = [f"        {name}={value!r},\n" for name, value in given.items()]
    lines.append("        # A dict, because Cellpose keeps what a bool changes.\n")
    lines.append("        normalize={\n")
    lines += [f'            "{n}": {v!r},\n' for n, v in normalization.items()]
    lines += ['            "lowhigh": limits,\n'] if limits else []
    return "".join([*lines, "        },\n"])


def _without_border(parameters: SegmentationParameters) -> str:
    if parameters.exclude_on_edges:
        return "    return utils.remove_edge_masks(masks)\n"
    return "    return masks\n"
