"""Options in the spelling of Cellpose's own command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellpose_studio.cli.arguments.spellings import with_hyphens
from cellpose_studio.cli.main import parser, run
from cellpose_studio.workflows.batches.batch import Batch


@pytest.fixture
def batch(monkeypatch):
    """Return the arguments of the last batch, which runs nothing."""
    kept = {}
    names = ("model", "parameters", "device", "kinds", "folder")

    def keep(_, *arguments):
        kept.update(zip(names, arguments, strict=False))

    monkeypatch.setattr(Batch, "__init__", keep)
    return kept


def test_a_line_of_cellpose_is_understood(batch, tmp_path):
    line = (
        f"segment --dir {tmp_path} --use_gpu --verbose --pretrained_model mine "
        "--diameter 0 --niter 0 --do_3D --stitch_threshold 0.2 --flow_threshold=0.7 "
        "--cellprob_threshold -1 --min_size 20 --exclude_on_edges --no_resample "
        f"--save_png --save_rois --savedir {tmp_path} --gpu_device 1 "
        "--norm_percentile 2 98 --anisotropy 2.5 --flow3D_smooth 1"
    )
    assert run(line.split()) == 2, "the folder is empty"
    assert batch["model"] == "mine"
    assert batch["device"] == "cuda:1"
    assert batch["kinds"] == ["png", "rois"]
    assert batch["folder"] == tmp_path
    parameters = batch["parameters"]
    expected = {
        "diameter": None,
        "niter": None,
        "do_3D": True,
        "stitch_threshold": 0.2,
        "flow_threshold": 0.7,
        "cellprob_threshold": -1.0,
        "min_size": 20,
        "exclude_on_edges": True,
        "resample": False,
        "anisotropy": 2.5,
        "flow3D_smooth": 1.0,
    }
    assert {name: getattr(parameters, name) for name in expected} == expected
    assert parameters.normalization.percentile == (2.0, 98.0)


def test_normalisation_can_be_turned_off(batch, tmp_path):
    run(["segment", str(tmp_path), "--no_norm"])
    assert not batch["parameters"].normalization.normalize


@pytest.mark.parametrize("zero", ["0", "0.0", "-0"])
def test_a_diameter_of_0_is_automatic_and_other_numbers_are_meant(
    batch, tmp_path, zero
):
    run(["segment", str(tmp_path), "--diameter", zero])
    assert batch["parameters"].diameter is None
    run(["segment", str(tmp_path), "--diameter", "12.5", "--niter", "7"])
    assert (batch["parameters"].diameter, batch["parameters"].niter) == (12.5, 7)


def test_options_alone_are_changed():
    words = ["a_b.tif", "--out", "c_d", "--flow_threshold=x_y", "--", "-e_f"]
    changed = [*words[:3], "--flow-threshold=x_y", *words[4:]]
    assert with_hyphens(words) == changed


def test_the_help_shows_one_name_for_each_option(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["segment", "--help"])
    text = capsys.readouterr().out
    assert "--savedir" not in text
    assert "--use" not in text


def test_without_an_image_the_command_says_what_it_needs(capsys):
    with pytest.raises(SystemExit) as end:
        run(["segment", "--out", str(Path("x"))])
    assert end.value.code == 2
    assert "the following arguments are required: IMAGE" in capsys.readouterr().err
