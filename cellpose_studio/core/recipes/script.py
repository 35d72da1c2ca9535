"""Recipe of a run as a Python script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cellpose_studio.core.models.architecture import ARCHITECTURES
from cellpose_studio.core.provenance.hand_work import NO_HAND_WORK, HandWork
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.recipes.cellpose_script import cellpose_script
from cellpose_studio.core.recipes.changed import changed_fields
from cellpose_studio.core.recipes.command import model_name
from cellpose_studio.core.recipes.edits import hand_work_sentences
from cellpose_studio.core.recipes.heading import heading
from cellpose_studio.core.runs.parameters import Normalization
from cellpose_studio.core.runs.region import Region

_REGION = "from cellpose_studio.core.runs.region import Region\n"
_STEPS = "from cellpose_studio.core.runs.preparation.steps import from_text\n"


def as_script(record: RunRecord, hand: HandWork = NO_HAND_WORK) -> str:
    """Return a script that reproduces the masks of the run.

    It uses Cellpose alone for the models that Cellpose 4 runs, the Transformers;
    for others it uses this package, which gives the same pixels. It writes the masks
    into its working directory.
    """
    info = ARCHITECTURES.get(record.model.architecture)
    in_cellpose = info is None or info.in_cellpose
    # The record of an unfinished run may lack the channels that Cellpose needs, and
    # Cellpose knows no regions and no preparation, cleans no cells, and does attention
    # in several steps.
    parameters, fused = record.parameters, record.engine_used == "fused-attention"
    more = parameters.region or parameters.preparation or parameters.cleans
    known = in_cellpose and not more and not fused
    cellposes = known and parameters.channels
    text = cellpose_script(record) if cellposes else studio_script(record)
    notes = "".join(f"# {note}\n" for note in hand_work_sentences(hand))
    return f"{text}\n{notes}" if notes else text


def studio_script(record: RunRecord) -> str:
    """Return a script that uses the API of this package."""
    image, model = record.image, record.model
    precision = f', precision="{record.precision}"' if record.precision else ""
    engine = f', engine="{record.engine_used}"' if record.engine_used else ""
    options = f"{precision}{engine}"
    imports, run = (
        _blocks_run(record, options) if record.blocks else _whole_run(options)
    )
    threads = f"use_threads({record.threads})\n" if record.threads else ""
    more = "".join(_imports(record))
    return f'''"""{heading(record)}"""

from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
{more}from cellpose_studio.engine.networks.catalogue import find
from cellpose_studio.engine.device import device_named
from cellpose_studio.engine.threads import use_threads
from cellpose_studio.io.images.reader import open_images
{imports}

{threads}scenes = open_images(Path({image.path!r}), axes={image.axes!r})
[image] = [scene for scene in scenes if scene.scene == {image.scene!r}]

model = find({model_name(model)!r})
if model.sha256 != {model.sha256!r}:
    raise SystemExit("The weights are not those of the run.")

parameters = SegmentationParameters(
{"".join(_arguments(record))})
device = device_named({record.device or "auto"!r})
{run}
'''


def _imports(record: RunRecord) -> Iterator[str]:
    """Yield the lines that import what only some parameters need."""
    if record.parameters.preparation:
        yield _STEPS
    if record.parameters.region is not None:
        yield _REGION


def _whole_run(options: str) -> tuple[str, str]:
    """Return the imports and the lines of a run as a whole."""
    imports = """from cellpose_studio.workflows.save import save_segmentation
from cellpose_studio.workflows.segment import segment"""
    return (
        imports,
        f"""result = segment(image, model, parameters, Checkpoint(), device{options})
[file] = save_segmentation(result, ["tif"], Path.cwd())
print(f"{{result.labels.max()}} cells in {{file}}")""",
    )


def _blocks_run(record: RunRecord, options: str) -> tuple[str, str]:
    """Return the imports and the lines of a run in blocks."""
    assert record.blocks is not None
    imports = """from cellpose_studio.workflows.blocks.save import save_blocks
from cellpose_studio.workflows.blocks.segment import segment_in_blocks
from cellpose_studio.workflows.save import base_of"""
    return (
        imports,
        f"""given = (image, model, parameters, Checkpoint())
side = {record.blocks.side}
with segment_in_blocks(*given, side, device{options}) as result:
    saved = save_blocks(result, ["tif"], base_of(image, Path.cwd()), lambda: None)
    [file] = saved.files
    print(f"{{result.labels.cells}} cells in {{file}}")""",
    )


def _arguments(record: RunRecord) -> Iterator[str]:
    """Yield the lines of the parameters that are not the defaults."""
    for name, value in changed_fields(record.parameters).items():
        if name == "preparation":
            steps = "".join(f"from_text({step.text!r}), " for step in value)
            yield f"    preparation=({steps.strip()}),\n"
        else:
            yield f"    {name}={_literal(value)},\n"


def _literal(value: Any) -> str:
    if not isinstance(value, Normalization | Region):
        return repr(value)
    fields = changed_fields(value)
    given = ", ".join(f"{n}={v!r}" for n, v in fields.items())
    return f"{type(value).__name__}({given})"
