"""``cellpose-studio train``: from folders to a model that runs."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.cli.main import run
from cellpose_studio.core.models.training import TrainingParameters

TINY = ("--widths", "2", "4", "8", "--bsize", "64", "--n-epochs")


@pytest.fixture
def folder(tmp_path, cells):
    """Return a folder of two pictures, a.tif and b.tif, with their masks."""
    y, x = np.indices((96, 96))
    inside = np.hypot(y % 32 - 16, x % 32 - 16) < 10
    masks = np.where(inside, 1 + y // 32 * 3 + x // 32, 0).astype(np.uint16)
    for name in "ab":
        cells(f"images/{name}.tif", (96, 96))
        tifffile.imwrite(tmp_path / "images" / f"{name}_masks.tif", masks)
    return tmp_path / "images"


@pytest.fixture
def trained(tmp_path, capsys):
    """Return a function that runs the command and returns code, output and errors."""

    def call(*arguments, out="model"):
        code = run(["train", *map(str, arguments), "--out", str(tmp_path / out)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_trained_model_can_be_run(trained, folder, tmp_path, capsys):
    code, said, errors = trained(folder, *TINY, "1")
    assert (code, errors) == (0, "")
    first, last = said.splitlines()
    assert first.startswith("epoch    1  loss ")
    assert last == f"Trained on 2 images, measured on 0: {tmp_path / 'model'}"
    out = tmp_path / "out"
    segment = ["segment", str(folder / "a.tif"), "--diameter", "20"]
    assert run([*segment, "--model", str(tmp_path / "model"), "--out", str(out)]) == 0
    assert tifffile.imread(out / "a_cp_masks.tif").shape == (96, 96)


def test_the_same_seed_gives_the_same_file(trained, folder, tmp_path):
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        assert trained(folder, *TINY, "1", "--seed", seed, out=name)[0] == 0
    one, same, other = (
        (tmp_path / name).read_bytes() for name in ("one", "same", "other")
    )
    assert one == same
    assert one != other


def test_the_loss_is_told_now_and_then(trained, folder, tmp_path):
    table = tmp_path / "splits.csv"
    table.write_text("file,split\nimages/a.tif,train\nimages/b.tif,validation\n")
    code, said, _ = trained(folder, *TINY, "11", "--split", table)
    assert code == 0
    tenth, eleventh, last = said.splitlines()
    assert tenth.startswith("epoch   10  loss ")
    assert "  validation " in tenth
    assert eleventh.startswith("epoch   11  loss ")
    assert "  AP " in eleventh
    assert last.startswith("Trained on 1 image, measured on 1: ")


@pytest.mark.slow
def test_training_for_a_while_finds_the_cells(trained, folder, tmp_path):
    options = ("--min-train-masks", "1", "--nimg-per-epoch", "16", "--bsize", "96")
    tiny = ("--widths", "2", "8", "16", "--n-epochs", "60")
    assert trained(folder, *tiny, *options, "--learning-rate", "0.01")[0] == 0
    out = tmp_path / "out"
    segment = ["segment", str(folder / "a.tif"), "--diameter", "20"]
    assert run([*segment, "--model", str(tmp_path / "model"), "--out", str(out)]) == 0
    assert tifffile.imread(out / "a_cp_masks.tif").max() == 9


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--bsize", "100"], "--bsize cannot be 100: it should be a multiple of 16."),
        (["--widths", "2", "0"], "--widths cannot be 0: it should be greater than"),
        (["--widths", "2"], "--widths cannot be 2: "),
        (["--n-epochs", "0"], "--n-epochs cannot be 0: it should be greater than"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_value_that_makes_no_sense_is_refused_in_a_sentence(
    trained, folder, options, said
):
    code, out, errors = trained(folder, *options)
    assert (code, out) == (2, "")
    assert errors.startswith(f"cellpose-studio: {said}")
    assert errors.count("\n") == 1


def test_images_without_masks_are_no_training_set(trained, cells, tmp_path):
    folder = cells("plain/a.tif").parent
    code, _, errors = trained(folder)
    assert code == 2
    assert "There is no image with masks to train on." in errors
    assert not (tmp_path / "model").exists()


def test_every_parameter_has_an_option(capsys):
    with pytest.raises(SystemExit) as end:
        run(["train", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for name in TrainingParameters.model_fields:
        assert f"--{name.replace('_', '-')}" in text
    assert "(default: 2 16" in text
