"""``cellpose-studio train``: from folders to a model that runs."""

from __future__ import annotations

import numpy as np
import tifffile

from cellpose_studio.cli.main import run

QUICK = ("--widths", "2", "4", "8", "--n-epochs", "1", "--bsize", "64")


def pair(cells, name, shape=(96, 96)):
    """Write a picture of cells and its masks; return the picture."""
    path = cells(name, shape)
    y, x = np.indices(shape)
    number = 1 + y // 32 * (shape[1] // 32) + x // 32
    inside = np.hypot(y % 32 - 16, x % 32 - 16) < 10
    masks = np.where(inside, number, 0).astype(np.uint16)
    tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), masks)
    return path


def test_a_trained_model_can_be_run(cells, tmp_path, capsys):
    image = pair(cells, "a.tif")
    pair(cells, "b.tif")
    model = tmp_path / "little"
    assert run(["train", str(tmp_path), "--out", str(model), *QUICK]) == 0
    assert "Trained on 2 images" in capsys.readouterr().out
    out = tmp_path / "out"
    segment = ["segment", str(image), "--model", str(model), "--out", str(out)]
    assert run([*segment, "--diameter", "20"]) == 0
    assert tifffile.imread(out / "a_cp_masks.tif").shape == (96, 96)


def test_a_table_says_which_images_to_train_on(cells, tmp_path, capsys):
    for name in ("a.tif", "b.tif", "c.tif", "d.tif"):
        pair(cells, name)
    table = tmp_path / "splits.csv"
    table.write_text(
        "file,split\na.tif,train\nb.tif,train\nc.tif,validation\nd.tif,no\n"
    )
    model = tmp_path / "little"
    command = ["train", str(tmp_path), "--out", str(model), "--split", str(table)]
    assert run([*command, *QUICK]) == 0
    assert "Trained on 2 images, measured on 1" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_file(cells, tmp_path):
    pair(cells, "a.tif")
    for name in ("one", "two"):
        assert run(["train", str(tmp_path), "--out", str(tmp_path / name), *QUICK]) == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_images_without_masks_are_no_training_set(cells, tmp_path, capsys):
    cells("a.tif")
    model = tmp_path / "little"
    assert run(["train", str(tmp_path), "--out", str(model), *QUICK]) == 2
    assert "image_masks.tif" in capsys.readouterr().err
    assert not model.exists()


def test_masks_of_another_size_are_said(cells, tmp_path, capsys):
    path = pair(cells, "a.tif")
    masks = path.with_name("a_masks.tif")
    tifffile.imwrite(masks, np.ones((5, 5), np.uint16))
    assert run(["train", str(tmp_path), "--out", str(tmp_path / "m"), *QUICK]) == 2
    assert "a_masks.tif" in capsys.readouterr().err
