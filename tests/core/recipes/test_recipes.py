"""How a run was made, as a command, a script, a paragraph, and JSON."""

from __future__ import annotations

import ast
import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.cli.arguments.options import build_model
from cellpose_studio.cli.arguments.region import build_region
from cellpose_studio.cli.main import parser
from cellpose_studio.core.models.card import ModelCard, TrainingData
from cellpose_studio.core.models.papers import (
    CELLPOSE_1,
    CELLPOSE_2,
    CELLPOSE_3,
    CELLPOSE_SAM,
)
from cellpose_studio.core.provenance.hand_work import HandWork
from cellpose_studio.core.provenance.record import (
    BlocksRecord,
    ModelRecord,
    RunRecord,
)
from cellpose_studio.core.provenance.revision import JournalEntry
from cellpose_studio.core.recipes import (
    MadeMasks,
    as_command,
    as_json,
    as_methods,
    as_methods_of_images,
    as_script,
    describe_edits,
    effective_edits,
)
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.core.runs.preparation.steps import from_text
from cellpose_studio.core.runs.region import Region
from tests.records import NOON, UNET, run_record

SAM = ModelRecord(
    name="cpsam_v2",
    title="cpsam_v2",
    path="/my models/cpsam_v2",
    sha256="cd" * 32,
    architecture="sam",
    generation="4",
    diam_mean=30,
    source="file",
)

PARAMETERS = SegmentationParameters(
    channels=(1, None), diameter=20.5, anisotropy=1.0, flow_threshold=0.6
)


def record_of(model=UNET, parameters=PARAMETERS, image=None, **changes):
    given = {
        "model": model,
        "parameters": parameters,
        "device": "cpu",
        "device_title": "CPU",
        "precision": "float32",
        "threads": 2,
        "versions": {"cellpose-studio": "0.1", "cellpose": "4.2", "torch": "2.13"},
        "seconds": 1.0,
        "cells": 12,
    }
    size = {"pixel_size_um": (None, 0.25, 0.25)}
    return run_record({**size, **(image or {})}, **{**given, **changes})


def edit(number, operation, undoes=None):
    return JournalEntry(
        id=number,
        label_set=1,
        base=1,
        operation=operation,
        cells=(number,),
        time=NOON,
        undoes=undoes,
    )


# Edits


def test_edits_that_were_taken_back_do_not_count():
    edits = [edit(1, "Delete cell"), edit(2, "Fill"), edit(3, "Undo", 2)]
    assert effective_edits(edits) == edits[:1]
    assert describe_edits(edits) == "Delete cell"


@pytest.mark.parametrize("undoes", [3, 2], ids=["the undo", "the edit"])
def test_edits_that_were_done_again_count(undoes):
    edits = [edit(1, "Fill"), edit(2, "Fill"), edit(3, "Undo", 2)]
    edits.append(edit(4, "Redo", undoes))
    assert effective_edits(edits) == edits[:2]
    assert describe_edits(edits) == "Fill (2)"


# The command


def test_the_command_says_what_is_not_usual():
    assert as_command(record_of(), windows=False) == (
        "cellpose-studio segment /data/a.tif --model=nuclei-small --channels 1 none "
        "--diameter=20.5 --flow-threshold=0.6 --anisotropy=1.0 "
        "--postprocessing=cellpose --device=cpu --precision=float32 --threads=2 "
        "--engine=shared-tiles"
    )


def test_other_models_are_given_by_their_file():
    assert "'--model=/my models/cpsam_v2'" in as_command(record_of(SAM), windows=False)


def test_the_command_is_quoted_for_each_shell():
    image = {"path": r"C:\my data\it's $1.tif", "scene": 'a "b"', "axes": "ZYX"}
    record = record_of(image=image)
    assert shlex.split(as_command(record, windows=False))[2] == image["path"]
    command = as_command(record, windows=True)
    assert '"C:\\my data\\it\'s $1.tif"' in command
    assert r'"--scene=a \"b\""' in command
    assert "--axes=ZYX" in command


def test_edits_are_told_of_in_a_comment():
    edits = [edit(1, "Delete cell"), edit(2, "Delete cell")]
    told = "Edited by hand afterwards: Delete cell (2)."
    assert as_command(record_of(), HandWork(after=edits), windows=False).endswith(
        f"\n# {told}"
    )
    assert as_command(record_of(), HandWork(after=edits), windows=True).endswith(
        f"\nrem {told}"
    )
    assert as_script(record_of(), HandWork(after=edits)).endswith(f"\n# {told}\n")


def test_a_run_that_failed_can_be_tried_again():
    record = record_of(
        parameters=SegmentationParameters(),
        device="",
        precision="",
        threads=None,
        outcome="failed",
        cells=None,
    )
    assert as_command(record, windows=False) == (
        "cellpose-studio segment /data/a.tif --model=nuclei-small "
        "--postprocessing=cellpose"
    )
    for model in (UNET, SAM):
        script = as_script(record.model_copy(update={"model": model}))
        assert "device_named('auto')" in script
        ast.parse(script)
    assert "found" not in as_methods(record)


floats = st.floats(-6, 6)
normalizations = st.builds(
    Normalization,
    percentile=st.tuples(st.floats(0, 49), st.floats(50, 100)),
    tile_norm_blocksize=st.integers(0, 4096),
    tile_norm_smooth3D=st.floats(0, 100),
    norm3D=st.booleans(),
    sharpen_radius=st.floats(0, 100),
    smooth_radius=st.floats(0, 100),
    invert=st.booleans(),
)
places = st.floats(-1e6, 1e6)
regions = st.builds(
    Region,
    points=st.lists(st.tuples(places, places), min_size=2, max_size=5)
    .filter(lambda at: all(max(side) > min(side) for side in zip(*at, strict=True)))
    .map(tuple),
    frame=st.none() | st.integers(1, 99),
    plane=st.none() | st.integers(1, 99),
    contrast=st.sampled_from(["image", "region"]),
    cell_at=st.none() | st.tuples(places, places),
).map(
    # A plane belongs to a point.
    lambda region: region.model_copy(
        update={"cell_plane": region.plane if region.cell_at else None}
    )
)
any_parameters = st.builds(
    SegmentationParameters,
    channels=st.lists(st.none() | st.integers(0, 9), max_size=3).map(tuple),
    diameter=st.none() | st.floats(1e-9, 5000),
    flow_threshold=st.floats(0, 3),
    cellprob_threshold=floats,
    min_size=st.integers(-1, 100_000),
    do_3D=st.booleans(),
    stitch_threshold=st.floats(0, 1),
    anisotropy=st.none() | st.floats(1e-9, 100),
    flow3D_smooth=st.floats(0, 50),
    normalization=normalizations,
    resample=st.booleans(),
    postprocessing=st.sampled_from(["automatic", "clean", "cellpose"]),
    niter=st.none() | st.integers(1, 100_000),
    max_size_fraction=st.floats(1e-9, 1),
    exclude_on_edges=st.booleans(),
    augment=st.booleans(),
    tile_overlap=st.floats(0.05, 0.5),
    batch_size=st.integers(1, 256),
    region=st.none() | regions,
)


@given(any_parameters)
def test_the_command_line_reads_the_same_parameters(parameters):
    words = shlex.split(as_command(record_of(parameters=parameters), windows=False))
    options = parser().parse_args(words[1:])
    normalization = build_model(Normalization, options)
    assert parameters == build_model(
        SegmentationParameters,
        options,
        normalization=normalization,
        region=build_region(options),
    )


@given(any_parameters)
def test_the_script_holds_the_same_parameters(parameters):
    tree = ast.parse(as_script(record_of(parameters=parameters)))
    [call] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "SegmentationParameters"
    ]
    names = {
        "SegmentationParameters": SegmentationParameters,
        "Normalization": Normalization,
        "Region": Region,
    }
    assert eval(ast.unparse(call), names) == parameters


# Scripts


@pytest.mark.parametrize("name", ['a "b" \\ c.tif', "a\nb.tif", "ü'''\"\"\".tif"])
@pytest.mark.parametrize("model", [UNET, SAM], ids=["own", "plain"])
def test_no_name_of_a_file_breaks_a_script(name, model):
    image = {"name": name, "path": f"/data/{name}", "scene": name}
    ast.parse(as_script(record_of(model, image=image)))


def test_a_script_of_cellpose_needs_nothing_else():
    script = as_script(record_of(SAM))
    assert "pretrained_model='/my models/cpsam_v2'" in script
    assert "cellpose_studio" not in script
    assert '"percentile": [1.0, 99.0]' in script
    assert "use_bfloat16=False" in script


def test_fused_attention_is_not_left_to_cellpose():
    script = as_script(record_of(SAM, engine="fused-attention"))
    assert 'engine="fused-attention"' in script


def test_methods_tell_which_tiles_were_left_out():
    counts = {"count": 4, "skipped": 1, "tiles": 40, "skipped_tiles": 12}
    blocks = BlocksRecord(side=(1, 64, 64), overlap=32, **counts)
    text = as_methods(record_of(blocks=blocks))
    assert "Of 40 tiles of the image, 12 showed nothing and were not run." in text
    assert "tiles" not in as_methods(record_of())


@pytest.mark.parametrize("name", ["a.zarr", "a.czi", "a.LSM"])
def test_what_tifffile_cannot_read_is_read_by_this_package(name):
    image = {"path": f"/data/{name}", "axes": "CYX", "shape": (1, 2, 1, 8, 9)}
    script = as_script(record_of(SAM, image=image))
    ast.parse(script)
    assert "from cellpose_studio.io.images.reader import open_images" in script
    assert "'a_cp_masks.tif'" in script


# The paragraph


def test_the_paragraph_tells_what_matters():
    card = ModelCard(data=(TrainingData(name="nuclei", images=35, cells=1673),))
    edits = [edit(1, "Delete cell"), edit(2, "Split cell"), edit(3, "Undo", 2)]
    text = as_methods(record_of(automatic=()), HandWork(after=edits), card, 11)
    assert text.startswith(
        "Cells in a.tif were segmented with Cellpose Studio 0.1 (Cellpose 4.2, "
        "PyTorch 2.13), using the model “Nuclei (small)” (a residual U-Net of "
        "Cellpose, trained with Cellpose Studio; Stringer et al., 2021; SHA-256 of "
        "the weights abababababababab…). That model was trained on 35 images "
        "with 1673 cells. The network ran on a processor in float32. It saw channel 1 "
        "of the image. The diameter was set to 20.5 px (5.12 µm). The flow threshold "
        "was 0.6, the threshold of the cell probability 0 and the size of the smallest "
        "cell 15 px. 12 cells were found. The result was corrected by hand in 1 "
        "step: Delete cell. 11 cells were there after that.\n\nReferences\n"
    )
    assert text.endswith(f"References\n{CELLPOSE_1.full}\n")


def test_cleaned_cells_are_told_of_and_not_left_to_cellpose():
    clean = PARAMETERS.model_copy(update={"postprocessing": "clean"})
    text = as_methods(record_of(parameters=clean, steps=2500))
    assert "came to rest, for 2500 steps at most. Of cells in several parts" in text
    counted = as_methods(record_of(parameters=clean, steps=2500, steps_needed=312))
    assert "came to rest, the last ones after 312 steps. Of cells" in counted
    moving = as_methods(record_of(parameters=clean, steps=50, steps_needed=50))
    assert "followed the flows for 50 steps, after which some still moved." in moving
    assert "the doubtful ones were left out." in text
    assert "came to rest" not in as_methods(record_of(steps=250))
    volume = {"do_3D": True, "diameter": 16.0, "anisotropy": 4.0}
    text = as_methods(record_of(parameters=clean.model_copy(update=volume)))
    assert "doubtful" not in text
    assert "Flows were smoothed over 2 px, along Z over 0.5 planes." in text
    assert "cellpose_studio" in as_script(record_of(SAM, parameters=clean))


def test_only_what_is_not_usual_is_told():
    parameters = PARAMETERS.model_copy(
        update={
            "augment": True,
            "normalization": Normalization(percentile=(2, 98)),
            "batch_size": 1,
        }
    )
    text = as_methods(record_of(parameters=parameters))
    assert (
        "Other settings than Cellpose's defaults: augment = True, "
        "percentile = [2.0, 98.0]."
    ) in text
    assert "Other settings" not in as_methods(record_of())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"do_3D": True, "anisotropy": 2.0}, "in 3D, from three sides, with an "),
        ({"stitch_threshold": 0.3}, "joined at an overlap (IoU) of 0.3."),
        ({}, "Planes were segmented one by one."),
    ],
)
def test_stacks_are_told_of(given, told):
    image = {"shape": (1, 1, 9, 96, 128), "axes": "ZYX"}
    parameters = PARAMETERS.model_copy(update=given)
    text = as_methods(record_of(parameters=parameters, image=image))
    assert told in text
    assert ("flow threshold" in text) != bool(given.get("do_3D"))


def test_the_region_of_a_run_is_told_of_and_what_lies_around_it():
    region = Region(points=((4, 8), (60.5, 70)), frame=2)
    parameters = PARAMETERS.model_copy(update={"region": region})
    hand = HandWork(kept=30, together=42, in_region=True)
    text = as_methods(record_of(parameters=parameters), hand)
    assert "region and took cells of which at least half lay in it: rectangle" in text
    assert "x 4 to 60.5, y 8 to 70 px, time point 2." in text
    assert "30 cells were kept that lie outside of the region or had been" in text
    parts = [made(), made(record_of(parameters=parameters), hand=hand)]
    both = as_methods_of_images([parts], no_card)
    assert both.count("References") == 1
    assert both.count("were segmented with") == 2


@pytest.mark.parametrize(
    ("name", "architecture", "paper"),
    [
        ("cyto", "unet", CELLPOSE_1),
        ("nucleitorch_0", "unet", CELLPOSE_1),
        ("cyto2", "unet", CELLPOSE_2),
        ("TN1", "unet", CELLPOSE_2),
        ("cyto3", "unet", CELLPOSE_3),
        ("livecell_cp3", "unet", CELLPOSE_3),
        ("cpsam", "sam", CELLPOSE_SAM),
        ("cpsam_v2", "sam", CELLPOSE_SAM),
        ("cpdino-vitb", "dino", CELLPOSE_SAM),
    ],
)
def test_the_paper_of_each_model_is_cited(name, architecture, paper):
    change = {"name": name, "architecture": architecture, "source": "file"}
    text = as_methods(record_of(UNET.model_copy(update=change)))
    assert paper.short in text
    assert paper.full in text
    assert "own weights" not in text
    assert text.count(CELLPOSE_1.full) == 1


def test_own_weights_are_called_that():
    change = {"name": "my_cells", "title": "my_cells"}
    text = as_methods(record_of(SAM.model_copy(update=change)))
    assert "own weights; Pachitariu et al., 2025" in text


# Several images


def no_card(_):
    return None


def made(record=None, name="a.tif", **more):
    record = record or record_of(image={"name": name})
    return MadeMasks(image=name, record=record, cells=record.cells, **more)


def of(name, parameters=PARAMETERS, **changes):
    return record_of(parameters=parameters, image={"name": name}, **changes)


def test_what_holds_for_all_images_is_told_once_and_what_differs_as_a_range():
    wide = PARAMETERS.model_copy(update={"diameter": 31.0, "flow_threshold": 0.4})
    hand = HandWork(after=(edit(1, "Delete cell"), edit(2, "Fill")))
    measured = {"automatic": ("diameter",)}
    images = [
        [made(of("a.tif", **measured))],
        [made(of("b.tif", wide, cells=300, **measured), "b.tif")],
        [made(of("c.tif", **measured), "c.tif", hand=hand)],
        [made(of("d.tif", **measured), "d.tif")],
    ]
    text = as_methods_of_images(images, no_card)
    assert text.startswith(
        "Cells in 4 images (a.tif, b.tif, c.tif and 1 more) were segmented with "
    )
    assert text.count("The network ran on a processor in float32.") == 1
    assert "It saw channel 1 of each image." in text
    assert "measured on each image: 20.5 to 31 px (5.12 to 7.75 µm)." in text
    assert "The flow threshold was 0.4 to 0.6, the threshold of the cell" in text
    assert "336 cells were found, 12 to 300 in an image." in text
    assert "corrected by hand in 2 steps: Delete cell, Fill (in c.tif)." in text
    assert "336 cells were there after that." in text
    assert text.count("References") == 1


def test_what_differs_and_is_no_number_names_its_images():
    other = PARAMETERS.model_copy(update={"channels": (2, None), "augment": True})
    names = {"channel_names": ("DAPI", "Actin"), "shape": (1, 2, 1, 9, 9)}
    images = [
        [made(record_of(image={"name": "a.tif", **names}))],
        [made(record_of(parameters=other, image={"name": "b.tif", **names}), "b.tif")],
        [made(of("c.tif", device_title="A GPU"), "c.tif")],
    ]
    text = as_methods_of_images(images, no_card)
    assert "It saw the channel “DAPI” (channel 1) (in a.tif)." in text
    assert "It saw the channel “Actin” (channel 2) (in b.tif)." in text
    assert "ran on a processor in float32 (in a.tif and b.tif)." in text
    assert "The network ran on A GPU in float32 (in c.tif)." in text
    assert "augment = True (in b.tif)." in text


def test_other_models_and_masks_without_a_run_are_paragraphs_of_their_own():
    drawn = MadeMasks(image="c.tif", cells=3, hand=HandWork(after=(edit(1, "Draw"),)))
    files = [
        MadeMasks(image=name, cells=5, origin=f"from {name[0]}_masks.tif")
        for name in ("d.tif", "e.tif")
    ]
    images = [[made()], [made(record_of(SAM), "b.tif")], [drawn], *([f] for f in files)]
    first, second, third, fourth, references = as_methods_of_images(
        images, no_card
    ).split("\n\n")
    assert first.startswith("Cells in a.tif were segmented with")
    assert "cpsam_v2" in second
    assert third == (
        "Masks were drawn by hand, with Cellpose Studio. Steps: Draw. 3 cells were "
        "there at the end."
    )
    assert fourth == (
        "Masks of 2 images (d.tif and e.tif) were imported, with Cellpose Studio. 10 "
        "cells were there at the end."
    )
    assert references.count(CELLPOSE_1.full) == 1


def test_runs_in_regions_of_several_images_are_told_together():
    region = Region(points=((4, 8), (60.5, 70)))
    within = PARAMETERS.model_copy(update={"region": region})
    once = HandWork(kept=30, together=42, in_region=True)
    images = [
        [made(of(n), n), *([made(of(n, within), n, hand=once)] * times)]
        for n, times in (("a.tif", 2), ("b.tif", 1))
    ]
    first, second, third, _ = as_methods_of_images(images, no_card).split("\n\n")
    assert "Cells in 2 images (a.tif and b.tif)" in first
    assert "Each run was limited to a region and took cells of which at" in second
    assert "60 cells were kept that lie outside of the region or had been" in second
    assert "Cells in a.tif were segmented" in third


@given(st.permutations(range(4)), st.integers(1, 4))
def test_the_order_of_images_changes_no_number(order, count):
    records = [
        of(f"{n}.tif", PARAMETERS.model_copy(update={"diameter": 10.0 + n}), cells=n)
        for n in range(count)
    ]
    shuffled = [records[n] for n in order if n < count]
    one, other = (
        as_methods_of_images([[made(r, r.image.name)] for r in some], no_card)
        for some in (records, shuffled)
    )
    assert one.partition("were segmented")[2] == other.partition("were segmented")[2]


# JSON


def test_json_holds_the_record_and_the_edits():
    edits = [edit(1, "Delete cell"), edit(2, "Fill"), edit(3, "Undo", 2)]
    content = json.loads(as_json(record_of(), HandWork(after=edits)))
    assert RunRecord.model_validate(content["record"]) == record_of()
    assert [e["operation"] for e in content["edits"]] == ["Delete cell"]
    assert (content["format"], content["version"]) == ("cellpose-studio-run", 1)


STEPS = tuple(
    from_text(text)
    for text in (
        "stain:stain=dab",
        "background:radius=30,channel=4",
        "merge",
        f"restore:model=oneclick_nuclei,diameter=12.5,channel=4,sha256={'0a' * 32}",
    )
)


def test_prepared_input_is_in_every_recipe():
    parameters = PARAMETERS.model_copy(
        update={"preparation": STEPS, "channels": (4, 1)}
    )
    image = {"shape": (1, 3, 1, 64, 64)}
    record = record_of(model=SAM, parameters=parameters, image=image)
    options = parser().parse_args(shlex.split(as_command(record, windows=False))[1:])
    assert tuple(options.prepare) == STEPS
    script = as_script(record)
    tree = ast.parse(script)
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    named = [c for c in calls if getattr(c.func, "id", "") == "from_text"]
    assert tuple(from_text(call.args[0].value) for call in named) == STEPS
    text = as_methods(record)
    assert "the stain DAB was separated from haematoxylin by the matrix" in text
    assert "by a rolling ball with a radius of 30 px" in text
    assert "It saw the channel “DAB” (channel 4) and channel 1 of the image." in text
    assert "noise and blur were removed from channel 4 by the network" in text
    assert "2025; SHA-256 0a0a0a0a0a0a0a0a…), at a diameter of the cells of 12" in text
    assert "Cellpose3: one-click image restoration" in text
    assert "Ruifrok" in text
    assert "Sternberg" in text
    assert json.loads(as_json(record))["record"]["parameters"]["preparation"][1] == {
        "kind": "background",
        "method": "rolling-ball",
        "radius": 30,
        "channel": 4,
    }


def test_an_unfinished_run_may_have_asked_for_any_channel():
    parameters = PARAMETERS.model_copy(
        update={"preparation": STEPS[:1], "channels": (9,)}
    )
    record = record_of(parameters=parameters, image={"shape": (1, 3, 1, 64, 64)})
    assert "channel 9 of the image" in as_methods(record)
