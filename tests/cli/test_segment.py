"""``cellpose-studio segment``: what it writes, prints, and returns."""

from __future__ import annotations

import os
import re
import shutil
from itertools import filterfalse

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch

from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.session.session import Session
from cellpose_studio.cli.main import run
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.workflows.batches.batch import Batch
from cellpose_studio.workflows.segment import segment

PROGRESS = re.compile(r": started$| \d+ of \d+$")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def segmented(out, capsys):
    """Return a function that runs the command and returns code, output and errors.

    Lines for a log about what begins are left out.
    """

    def call(*arguments):
        code = run(["segment", *map(str, arguments), "--out", str(out)])
        said = capsys.readouterr()
        errors = "".join(filterfalse(PROGRESS.search, said.err.splitlines(True)))
        return code, said.out, errors

    return call


@pytest.fixture
def refused(segmented, capsys):
    """Return a function that runs the command and returns the error of argparse."""

    def call(*arguments):
        with pytest.raises(SystemExit) as end:
            segmented(*arguments)
        assert end.value.code == 2
        return capsys.readouterr().err

    return call


@pytest.fixture
def given(monkeypatch):
    """Return a list of the parameters of batches, none of which runs anything."""
    kept = []

    def keep(batch, model, parameters, *others):
        batch.model = shipped()[0]
        kept.append(parameters)

    monkeypatch.setattr(Batch, "__init__", keep)
    return kept


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_masks_are_written_and_told_of(segmented, cells, out):
    code, said, errors = segmented(cells("a.tif"), cells("b.tif", (64, 64)))
    assert code == 0
    assert errors == ""
    lines = said.splitlines()
    assert lines[0].startswith("1 of 2, a.tif: 12 cells, diameter ")
    assert lines[0].endswith(" -> a_cp_masks.tif")
    assert lines[1].startswith("2 of 2, b.tif: 4 cells, diameter ")
    assert names(out) == ["a_cp_masks.tif", "b_cp_masks.tif"]
    assert tifffile.imread(out / "a_cp_masks.tif").max() == 12


def test_one_cell_is_one_cell(segmented, cells):
    assert "a.tif: 1 cell, " in segmented(cells("a.tif", (32, 32)))[1]


def test_a_log_says_what_begins(segmented, cells, out, capsys):
    assert run(["segment", str(cells("a.tif", (32, 32))), "--out", str(out)]) == 0
    assert "a.tif: started\n" in capsys.readouterr().err


def test_results_lie_beside_the_images_unless_told_otherwise(cells, tmp_path, capsys):
    assert run(["segment", str(cells("a.tif", (64, 64)))]) == 0
    assert names(tmp_path) == ["a.tif", "a_cp_masks.tif"]


def test_the_same_as_the_workflow_and_the_window_give(segmented, cells, out, qtbot):
    path = cells("a.tif")
    options = ["--diameter", "22", "--flow-threshold", "0.6", "--min-size", "30"]
    assert segmented(path, *options, "--save", "npy", "tif")[0] == 0
    parameters = SegmentationParameters(
        diameter=22.0, flow_threshold=0.6, min_size=30, postprocessing="automatic"
    )

    workflow = segment(open_images(path)[0], shipped()[0], parameters, Checkpoint())
    saved = read_masks(out / "a_seg.npy")
    np.testing.assert_array_equal(saved.labels, workflow.labels)
    np.testing.assert_array_equal(saved.flows.dP, workflow.flows.dP)
    np.testing.assert_array_equal(
        tifffile.imread(out / "a_cp_masks.tif"), workflow.labels
    )

    project = Project.create(path.with_suffix(".cpstudio"))
    session, queue = Session(project), JobQueue()
    [entry] = session.add(open_images(path))
    Runs(session, queue).start(entry, shipped()[0], parameters)
    qtbot.waitUntil(lambda: not queue.jobs)
    np.testing.assert_array_equal(entry.masks.array, workflow.labels)
    project.close()


def test_one_bad_image_does_not_stop_the_rest(segmented, cells, tmp_path, out):
    (tmp_path / "bad.tif").write_bytes(b"II*\0 no more")
    code, said, errors = segmented(
        tmp_path / "gone.tif",
        cells("a.tif", (64, 64)),
        tmp_path / "bad.tif",
        cells("b.tif", (64, 64)),
    )
    assert code == 1
    assert [line.split(":")[0] for line in said.splitlines()] == [
        "2 of 4, a.tif",
        "4 of 4, b.tif",
    ]
    counts, first, second = errors.splitlines()
    assert counts == "2 done, 2 failed:"
    assert first.startswith(f"  {tmp_path / 'gone.tif'}: gone.tif does not exist in ")
    assert second.startswith(f"  {tmp_path / 'bad.tif'}: bad.tif is damaged")
    assert names(out) == ["a_cp_masks.tif", "b_cp_masks.tif"]


def test_where_nothing_could_be_done_the_code_says_so(segmented, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.tif").write_bytes(b"")
    code, said, errors = segmented(tmp_path / "empty", tmp_path / "bad.tif")
    assert (code, said) == (2, "")
    assert "0 done, 2 failed:" in errors
    assert "There are no images in empty." in errors
    assert "bad.tif is empty." in errors


def test_what_nobody_expected_does_not_stop_the_rest(
    segmented, cells, monkeypatch, out
):
    whole = Batch.run
    errors = iter([MemoryError(), RuntimeError("out of luck")])

    def fail_twice(batch, image, checkpoint):
        for error in errors:
            raise error
        return whole(batch, image, checkpoint)

    monkeypatch.setattr(Batch, "run", fail_twice)
    images = [cells(f"{n}.tif", (64, 64)) for n in "abc"]
    code, _, said = segmented(*images)
    assert code == 1
    assert "a.tif: There is not enough memory." in said
    assert "b.tif: Something unexpected went wrong: RuntimeError: out of luck" in said
    assert "Traceback" in said
    assert names(out) == ["c_cp_masks.tif"]


def test_a_folder_stands_for_its_images_but_not_for_masks(segmented, cells, tmp_path):
    for name in ("in/b10.tif", "in/b9.tif"):
        cells(name, (64, 64))
    folder = tmp_path / "in"
    masks = np.ones((64, 64), np.uint16)
    for ending in ("_masks.tif", "_cp_masks.tif", "_flows.tif", "_outlines.tif"):
        tifffile.imwrite(folder / f"b9{ending}", masks)
    code, said, _ = segmented(folder)
    assert code == 0
    assert [line.split(":")[0] for line in said.splitlines()] == [
        "1 of 2, b9.tif",
        "2 of 2, b10.tif",
    ]


def test_masks_that_a_pattern_of_the_shell_matches_are_not_run_on(segmented, cells):
    path = cells("a.tif", (64, 64))
    masks = path.with_name("a_cp_masks.tif")
    tifffile.imwrite(masks, np.ones((64, 64), np.uint16))
    code, said, _ = segmented(path, masks)
    assert code == 0
    assert said.count("\n") == 1


def test_an_image_that_is_named_twice_runs_once(segmented, cells, monkeypatch):
    path = cells("a.tif", (64, 64))
    monkeypatch.chdir(path.parent)
    code, said, _ = segmented(path, path.parent, "a.tif", "./a.tif")
    assert code == 0
    assert said.count("\n") == 1


def test_images_of_one_name_get_names_of_their_own(segmented, cells, out):
    first, second = cells("x/a.tif", (64, 64)), cells("y/A.tif")
    code, _, errors = segmented(first, second)
    assert (code, errors) == (0, "")
    assert tifffile.imread(out / "a_cp_masks.tif").shape == (64, 64)
    assert tifffile.imread(out / "A_2_cp_masks.tif").shape == (96, 128)
    lines = (out / "export_names.csv").read_text().splitlines()
    assert lines == ["name,image,scene", f"A_2,{second},"]


def test_results_that_exist_are_refused_before_the_first_run(segmented, cells, out):
    a, b = cells("a.tif", (64, 64)), cells("b.tif", (64, 64))
    assert segmented(b)[0] == 0
    before = (out / "b_cp_masks.tif").read_bytes()
    code, said, errors = segmented(a, b, "--diameter", 300)
    assert (code, said) == (2, "")
    assert f"{out / 'b_cp_masks.tif'} exists already. Add --overwrite" in errors
    assert names(out) == ["b_cp_masks.tif"]
    assert (out / "b_cp_masks.tif").read_bytes() == before


def test_results_that_exist_are_replaced_or_left_on_request(segmented, cells, out):
    a, b = cells("a.tif", (64, 64)), cells("b.tif", (64, 64))
    assert segmented(b)[0] == 0
    code, said, _ = segmented(a, b, "--skip-existing", "--diameter", 300)
    assert code == 0
    assert "b.tif: left out, its results exist" in said
    assert tifffile.imread(out / "a_cp_masks.tif").max() == 0
    assert tifffile.imread(out / "b_cp_masks.tif").max() == 4
    assert segmented(b, "--overwrite", "--diameter", 300)[0] == 0
    assert tifffile.imread(out / "b_cp_masks.tif").max() == 0


def test_a_file_of_masks_drawn_by_hand_is_not_replaced(segmented, cells, out):
    path = cells("a.tif", (64, 64))
    out.mkdir()
    (out / "a_seg.npy").write_bytes(b"by hand")
    assert segmented(path, "--save", "tif", "npy")[0] == 2
    assert names(out) == ["a_seg.npy"]
    assert segmented(path)[0] == 0
    assert (out / "a_seg.npy").read_bytes() == b"by hand"


@pytest.mark.parametrize(
    ("shape", "axes", "last"),
    [((3, 64, 64), "TYX", 12), ((3, 64, 64), "ZYX", 12), ((2, 2, 64, 64), "TZYX", 16)],
)
def test_planes_and_time_points_run_one_by_one(
    segmented, cells, out, shape, axes, last
):
    assert segmented(cells("a.tif", shape, axes))[0] == 0
    with tifffile.TiffFile(out / "a_cp_masks.tif") as tiff:
        assert tiff.series[0].axes == axes
        labels = tiff.asarray()
    assert labels.shape == shape
    assert np.unique(labels).tolist() == list(range(last + 1))


def test_planes_are_joined_on_request(segmented, cells, out):
    path = cells("a.tif", (3, 64, 64), "ZYX")
    assert segmented(path, "--stitch-threshold", "0.25")[0] == 0
    for plane in tifffile.imread(out / "a_cp_masks.tif"):
        assert np.unique(plane).tolist() == [0, 1, 2, 3, 4]


def test_a_stack_runs_as_a_volume_on_request(segmented, cells, out):
    path = cells("a.tif", (8, 48, 48), "ZYX")
    options = ["--do-3D", "--anisotropy", "1", "--save", "tif", "npy"]
    code, _, errors = segmented(path, "--diameter", "20", *options)
    assert (code, errors) == (0, "")
    assert read_masks(out / "a_seg.npy").flows.volumetric
    assert tifffile.imread(out / "a_cp_masks.tif").shape == (8, 48, 48)
    code, _, errors = segmented(cells("b.tif", (64, 64)), "--do-3D")
    assert code == 2
    assert "b.tif is a single plane, which cannot run as 3D." in errors


@pytest.fixture
def ambiguous(tmp_path):
    """A stack whose file does not say which axis is which."""
    y, x = np.indices((64, 64)) % 32 - 16
    plane = 100 + 2000 / (1 + np.exp(np.hypot(y, x) - 10))
    path = tmp_path / "unsaid.tif"
    pixels = np.stack([plane] * 6).astype(np.uint16)
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None)
    return path


def test_unknown_axes_are_asked_for_by_the_option(segmented, ambiguous):
    code, _, errors = segmented(ambiguous)
    assert code == 2
    assert "unsaid.tif has the shape (6, 64, 64), and its metadata do not" in errors
    assert "Add --axes ZYX (6 planes of a stack) or --axes TYX (6 time" in errors


@pytest.mark.parametrize(("axes", "written"), [("ZYX", "ZYX"), ("tyx", "TYX")])
def test_axes_are_what_the_option_says(segmented, ambiguous, out, axes, written):
    assert segmented(ambiguous, "--axes", axes)[0] == 0
    with tifffile.TiffFile(out / "unsaid_cp_masks.tif") as tiff:
        assert tiff.series[0].axes == written


def test_axes_that_do_not_fit_are_refused(segmented, ambiguous):
    code, _, errors = segmented(ambiguous, "--axes", "TZYX")
    assert code == 2
    assert "unsaid.tif" in errors
    assert "TZYX" in errors


def test_every_scene_of_a_file_has_results_of_its_own(segmented, tmp_path, out):
    y, x = np.indices((64, 64)) % 32 - 16
    plane = (100 + 2000 / (1 + np.exp(np.hypot(y, x) - 10))).astype(np.uint16)
    path = tmp_path / "two.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tiff:
        for name in ("left", "right"):
            tiff.write(plane, metadata={"axes": "YX", "Name": name})
    code, said, _ = segmented(path)
    assert code == 0
    assert "two.ome.tif [left]: 4 cells" in said
    assert names(out) == ["two.ome_left_cp_masks.tif", "two.ome_right_cp_masks.tif"]


def test_names_of_scenes_may_be_no_names_of_files(segmented, tmp_path, out):
    path = tmp_path / "tree.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tiff:
        for name in ("Plate/A:1", "..", "/"):
            metadata = {"axes": "YX", "Name": name}
            tiff.write(np.zeros((8, 8), np.uint8), metadata=metadata)
    code, said, errors = segmented(path)
    assert (code, errors.count("unexpected")) == (0, 0)
    assert all(
        f"tree.ome.tif [{name}]: 0 cells" in said for name in ("Plate/A:1", "..")
    )
    assert len(names(out)) == 3


def test_four_pages_may_be_time_points(segmented, tmp_path):
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as tiff:
        for _ in range(4):
            tiff.write(np.zeros((64, 64), np.uint8), metadata=None)
    _, _, errors = segmented(path)
    assert "--axes TYX" in errors


def test_every_kind_of_file_can_be_written(segmented, cells, out):
    forms = [form for form in FORMATS.values() if not form.needs_time]
    kinds = [form.name for form in forms]
    code, said, _ = segmented(cells("a.tif"), "--save", *kinds)
    assert code == 0
    assert names(out) == sorted(f"a{form.ending}" for form in forms)
    assert all(name in said for name in names(out))


def test_a_kind_without_a_place_for_a_stack_does_not_keep_the_others(
    segmented, cells, out
):
    stack = cells("stack.tif", (2, 64, 64), "ZYX")
    code, said, errors = segmented(stack, "--save", "tif", "png", "outlines")
    assert code == 1
    assert "-> stack_cp_masks.tif" in said
    assert "1 done, 1 failed" in errors
    assert "stack_cp_masks.png could not be saved: it holds one plane" in errors
    assert "stack_cp_outlines.txt could not be saved: " in errors
    assert names(out) == ["stack_cp_masks.tif"]


def test_kinds_without_a_place_for_a_stack_are_refused_before_the_run(
    segmented, cells, out
):
    stack = cells("stack.tif", (2, 64, 64), "ZYX")
    code, said, errors = segmented(stack, "--save", "png", "outlines")
    assert code == 2
    assert "diameter" not in said
    assert "stack_cp_masks.png could not be saved: it holds one plane" in errors
    assert not out.exists()


def test_no_cells_are_no_regions_and_no_failure(segmented, tmp_path, out):
    tifffile.imwrite(tmp_path / "black.tif", np.zeros((64, 64), np.uint8))
    code, said, _ = segmented(tmp_path / "black.tif", "--save", "rois")
    assert code == 0
    first, hint = said.splitlines()
    assert first.startswith("black.tif: 0 cells, ")
    assert first.endswith("-> nothing to save")
    assert hint.startswith("black.tif: No cells were found.")
    assert "Try --model auto, which takes" in hint
    assert not out.exists()


def test_a_model_is_taken_by_its_name_or_file(segmented, cells, out, tmp_path):
    path = cells("a.tif", (64, 64))
    spec = shipped()[0]
    found = []
    for model in (spec.name, spec.path):
        assert segmented(path, "--overwrite", "--model", model)[0] == 0
        found.append(tifffile.imread(out / "a_cp_masks.tif"))
    np.testing.assert_array_equal(*found)


def test_a_model_that_is_none_ends_the_command(segmented, cells, tmp_path):
    path = cells("a.tif", (64, 64))
    weights = tmp_path / "weights"
    weights.write_bytes(b"no weights")
    for model, said in (("cyto9", "There is no model cyto9."), (weights, "weights is")):
        code, out, errors = segmented(path, "--model", model)
        assert (code, out) == (2, "")
        assert errors.startswith(f"cellpose-studio: {said}")
        assert errors.count("\n") == 1


def test_a_device_that_is_not_there_is_refused(segmented, cells):
    code, _, errors = segmented(cells("a.tif"), "--device", "cuda:7")
    assert code == 2
    assert "This computer has no device cuda:7. It has " in errors
    assert segmented(cells("a.tif"), "--device", "cpu")[0] == 0


def test_the_processor_threads_can_be_limited(segmented, cells):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert segmented(cells("a.tif", (64, 64)))[0] == 0
        assert torch.get_num_threads() == 2
        again = cells("b.tif", (64, 64))
        assert segmented(again, "--threads", "1")[0] == 0
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_folder_that_cannot_be_made_is_said_to(cells, tmp_path, capsys):
    path = cells("a.tif")
    assert run(["segment", str(path), "--out", str(path / "out")]) == 2
    assert f"The folder {path / 'out'} cannot be created: " in capsys.readouterr().err


def test_options_arrive_in_the_parameters(given, cells, segmented):
    segmented(
        *(cells("a.tif").parent / "gone", "--channels", "2", "none", "0"),
        *("--percentile", "0.5", "99.9", "--tile-norm-blocksize", "100"),
        *("--diameter", "31.5", "--niter", "500", "--no-resample", "--augment"),
        *("--cellprob-threshold", "-1.5", "--min-size", "-1", "--invert"),
        *("--no-norm3D", "--exclude-on-edges", "--flow3D-smooth", "2"),
        *("--sharpen-radius", "3", "--batch-size", "2"),
    )
    assert given == [
        SegmentationParameters(
            channels=(2, None, 0),
            diameter=31.5,
            postprocessing="automatic",
            niter=500,
            resample=False,
            augment=True,
            cellprob_threshold=-1.5,
            min_size=-1,
            exclude_on_edges=True,
            flow3D_smooth=2.0,
            batch_size=2,
            normalization=Normalization(
                percentile=(0.5, 99.9),
                tile_norm_blocksize=100,
                invert=True,
                norm3D=False,
                sharpen_radius=3.0,
            ),
        )
    ]


def test_without_options_the_parameters_are_the_defaults(given, cells, segmented):
    segmented(cells("a.tif").parent / "gone")
    segmented(cells("a.tif").parent / "gone", "--postprocessing", "cellpose")
    default = SegmentationParameters(postprocessing="automatic")
    assert given == [default, SegmentationParameters()]


def test_every_parameter_has_an_option(capsys):
    with pytest.raises(SystemExit) as end:
        run(["segment", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for model in (SegmentationParameters, Normalization):
        for name in model.model_fields.keys() - {"normalization", "preparation"}:
            assert f"--{name.replace('_', '-')}" in text
    assert "--prepare STEP" in text
    assert "(default: 1 99)" in text
    assert "(default: automatic)" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--diameter", "-1"], "--diameter cannot be -1.0: it should be greater than"),
        (["--diameter", "nan"], "--diameter cannot be nan: "),
        (["--flow-threshold", "-1"], "--flow-threshold cannot be -1.0: it should be"),
        (["--percentile", "99", "1"], "Percentiles must rise, between 0 and 100."),
        (["--no-normalize", "--invert"], "Only normalised images can be inverted."),
        (["--sharpen-radius", "-2"], "--sharpen-radius cannot be -2.0: it should be"),
        (["--region-frame", "2"], "--region-frame needs --region."),
        (["--region", "1,1,1,9"], "--region: a region needs a width and a height."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_value_that_makes_no_sense_is_refused_in_a_sentence(
    segmented, cells, options, said
):
    code, out, errors = segmented(cells("a.tif"), *options)
    assert (code, out) == (2, "")
    assert errors.startswith(f"cellpose-studio: {said}")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--diameter", "large"], "argument --diameter: invalid float value: 'large'"),
        (["--niter", "1.5"], "argument --niter: invalid int value: '1.5'"),
        (
            ["--channels", "red"],
            "argument --channels: red is not a channel: give 0, 1, 2",
        ),
        (["--channels", "-1"], "argument --channels: -1 is not a channel"),
        (["--percentile", "1"], "argument --percentile: expected 2 arguments"),
        (["--threads", "0"], "argument --threads: 0 is not a number of threads"),
        (["--save", "jpg"], "argument --save: invalid choice: 'jpg'"),
        (["--colour", "red"], "unrecognized arguments: --colour red"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_read_as_a_value_is_refused(refused, cells, options, said):
    assert said in refused(cells("a.tif"), *options)


def test_the_channel_of_the_option_is_the_one_that_is_seen(segmented, tmp_path, out):
    y, x = np.indices((96, 128)) % 32 - 16
    pixels = np.random.default_rng(0).poisson(100, (2, 96, 128)).astype(np.uint16)
    pixels[1] += (2000 / (1 + np.exp(np.hypot(y, x) - 10))).astype(np.uint16)
    path = tmp_path / "two.tif"
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "CYX"})
    counts = []
    for channel in ("1", "2"):
        options = ["--channels", channel, "--diameter", "20", "--overwrite"]
        assert segmented(path, *options)[0] == 0
        counts.append(int(tifffile.imread(out / "two_cp_masks.tif").max()))
    assert counts[0] < 6
    assert counts[1] == 12
    code, _, errors = segmented(path, "--channels", "3", "--overwrite")
    assert code == 2
    assert "two.tif has no channel 3: it has 2." in errors


@pytest.mark.parametrize("base", [0.0, -60.0, 20000.0])
def test_what_is_no_number_hides_no_cell(segmented, cells, out, base):
    """One grid row of cells lies in the rows without numbers: 12 - 4 are left."""
    path = cells("a.tif")
    pixels = tifffile.imread(path) / 2000 + base
    pixels[:32] = np.nan
    pixels[50, 60], pixels[70, 20] = np.inf, -np.inf
    tifffile.imwrite(path, pixels.astype(np.float32))
    code, said, _ = segmented(path, "--diameter", 20)
    assert (code, tifffile.imread(out / "a_cp_masks.tif").max()) == (0, 8)
    assert "8 cells" in said


@pytest.mark.parametrize("dtype", ["i8", "f8"])
def test_cells_far_from_zero_are_found(segmented, cells, out, dtype):
    path = cells("a.tif")
    pixels = tifffile.imread(path).astype(dtype) + 2**40
    tifffile.imwrite(path, pixels)
    assert segmented(path, "--diameter", 20)[0] == 0
    assert tifffile.imread(out / "a_cp_masks.tif").max() == 12


def test_options_that_do_nothing_are_said_to(segmented, cells):
    """A file is believed, and single planes and time points are not joined."""
    plane = cells("plane.tif", (64, 64))
    film = cells("film.tif", (2, 64, 64), "TYX")
    more = ("--stitch-threshold", 0.3, "--axes", "ZYX", "--diameter", 20)
    code, said, _ = segmented(plane, film, *more, "--anisotropy", 2)
    assert code == 0
    assert (
        "plane.tif: --axes ZYX was not used: the file says that its axes are YX."
        in said
    )
    assert "film.tif: --axes ZYX was not used: the file says" in said
    assert "plane.tif: --stitch-threshold was not used: the image is a single" in said
    assert "film.tif: --stitch-threshold was not used: it joins the planes" in said
    assert "film.tif: --anisotropy was not used: it is for --do-3D." in said


def test_options_that_are_used_are_not_mentioned(segmented, ambiguous):
    more = ("--stitch-threshold", 0.3, "--axes", "ZYX", "--diameter", 20)
    code, said, _ = segmented(ambiguous, *more)
    assert (code, "was not used" in said) == (0, False)


def test_planes_that_were_written_one_by_one_become_a_stack(segmented, cells, out):
    pixels = tifffile.imread(cells("a.tif", (3, 64, 64), "ZYX"))
    path = cells("pages.tif", (64, 64))
    for n, plane in enumerate(pixels):
        tifffile.imwrite(path, plane, append=n > 0)
    code, _, failed = segmented(path)
    assert code == 2
    assert "--axes ZYX (3 planes of a stack)" in failed
    assert segmented(path, "--axes", "ZYX", "--diameter", 20)[0] == 0
    masks = tifffile.imread(out / "pages_cp_masks.tif")
    assert masks.shape == (3, 64, 64)
    again = [path, "--diameter", 20, "--overwrite"]
    assert segmented(*again, "--axes", "yx")[0] == 0
    assert "pages_Image-2_cp_masks.tif" in names(out)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes have names")
def test_a_path_that_cannot_be_opened_costs_only_itself(
    segmented, cells, tmp_path, out
):
    os.mkfifo(tmp_path / "pipe.tif")
    (tmp_path / "loop.tif").symlink_to(tmp_path / "loop.tif")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "loop").symlink_to(tmp_path / "folder" / "loop")
    bad = ["pipe.tif", "loop.tif", "folder", "folder/loop"]
    paths = [tmp_path / name for name in bad]
    image = cells("a.tif", (64, 64))
    code, said, errors = segmented(*paths, "/dev/null", image)
    assert code == 1
    assert said.startswith("5 of 5, a.tif: 4 cells")
    counts, *failures = errors.splitlines()
    assert counts == "1 done, 5 failed:"
    assert "Traceback" not in errors
    assert all(line.startswith("  /") and line.endswith(".") for line in failures)
    assert "pipe.tif is a pipe, not an image." in errors
    assert "null is a device, not an image." in errors
    assert names(out) == ["a_cp_masks.tif"]


@pytest.fixture
def no_run(monkeypatch):
    """Let no folder be written to, and fail if a network runs all the same.

    No folder refuses files to root.
    """
    batch = "cellpose_studio.workflows.batches.batch"
    monkeypatch.setattr(f"{batch}.can_write_in", lambda _: False)
    monkeypatch.setattr(f"{batch}.segment", None)


@pytest.mark.usefixtures("no_run")
def test_a_folder_for_results_that_takes_none_is_found_before_the_first_run(
    segmented, cells, capsys
):
    code, _, errors = segmented(cells("a.tif"))
    assert code == 2
    assert errors.startswith("cellpose-studio: The folder ")
    assert "cannot be written to. Choose another folder for the results." in errors
    assert run(["segment", str(cells("a.tif"))]) == 2
    assert "cannot be written to" in capsys.readouterr().err


def test_no_more_threads_than_cores_are_taken(refused, cells):
    cores = os.cpu_count()
    for many in (str(cores + 1), "9" * 5000):
        said = refused(cells("a.tif"), "--threads", many)
        assert f"this computer has {cores} cores, so give a number from 1 to" in said


def test_a_card_that_cannot_be_read_is_told_before_the_first_run(
    segmented, cells, tmp_path
):
    model = shutil.copyfile(shipped()[0].path, tmp_path / "mine")
    (tmp_path / "mine.json").write_text("{")
    code, said, _ = segmented(cells("a.tif"), "--model", model)
    first, second = said.splitlines()[:2]
    assert code == 0
    assert first.startswith("mine.json beside the model mine is not a readable card")
    assert second.startswith("a.tif: 12 cells")


def test_what_is_left_out_of_a_folder_is_told(segmented, cells):
    folder = cells("a.tif").parent / "day"
    folder.mkdir()
    cells("day/a.tif")
    for name in ("b.vsi", "notes.docx", "day.cpstudio", "a_cp_masks.tif"):
        (folder / name).write_bytes(b"x")
    code, said, _ = segmented(folder)
    first, second = said.splitlines()[:2]
    assert code == 0
    assert first == (
        "day: 2 files left out: 1 × .vsi (not supported; export as OME-TIFF), "
        "1 × .docx."
    )
    assert second.startswith("a.tif: 12 cells")


def test_a_dot_has_the_name_of_its_folder(segmented, cells, monkeypatch):
    folder = cells("a.tif", (64, 64)).parent
    (folder / "notes.docx").write_bytes(b"x")
    monkeypatch.chdir(folder)
    code, said, _ = segmented(".")
    assert code == 0
    assert said.startswith(f"{folder.name}: ")
    assert "1 × .docx." in said.splitlines()[0]
    code, _, errors = segmented("other.tif")
    assert code == 2
    assert f"other.tif does not exist in {folder}." in errors


def test_a_new_folder_without_results_does_not_stay(segmented, cells, out):
    folder = cells("a.tif").parent
    folder.joinpath("b.tif").write_bytes(b"no image")
    assert segmented(folder / "b.tif")[0] == 2
    assert not out.exists()
    out.mkdir()
    assert segmented(folder / "b.tif")[0] == 2
    assert out.exists()


def test_steps_of_the_preparation_are_done_in_their_order(segmented, given, cells):
    segmented(
        cells("a.tif"),
        "--prepare=stain:stain=dab",
        "--prepare",
        "background:method=gaussian,radius=12",
    )
    [parameters] = given
    assert [step.text for step in parameters.preparation] == [
        "stain:stain=dab",
        "background:method=gaussian,radius=12",
    ]


def test_a_step_that_does_not_exist_is_refused(refused, cells):
    said = refused(cells("a.tif"), "--prepare=blur:radius=2")
    assert "'blur' is no step: give one of merge, background, stain, restore" in said


def test_a_network_that_is_not_installed_is_said_before_anything_runs(
    segmented, cells, out
):
    code, said, errors = segmented(cells("a.tif"), "--prepare=restore")
    assert code == 2
    assert errors.count("The model denoise_cyto3 of Cellpose is not installed.") == 1
    assert "a.tif" not in said + errors
    assert not out.exists()


def test_a_step_that_does_not_fit_an_image_fails_this_image_only(
    segmented, cells, tmp_path
):
    colours = tmp_path / "rgb.png"
    pixels = np.random.default_rng(0).integers(90, 250, (64, 64, 3), np.uint8)
    colours.write_bytes(imagecodecs.png_encode(pixels))
    code, said, errors = segmented(cells("a.tif"), colours, "--prepare=stain")
    assert code == 1
    assert "rgb.png: " in said
    assert "a.tif has no colours, so its stains cannot be separated." in errors
