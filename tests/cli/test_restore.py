"""``cellpose-studio restore``."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from cellpose_studio.cli.main import run
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import save_weights, sha256_of
from cellpose_studio.io.images.reader import open_images


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "cells.ome.tif"
    pixels = np.random.default_rng(0).integers(0, 999, (2, 3, 30, 40), np.uint16)
    tifffile.imwrite(
        path,
        pixels,
        ome=True,
        metadata={
            "axes": "CZYX",
            "Channel": {"Name": ["cells", "nuclei"]},
            "PhysicalSizeX": 0.5,
            "PhysicalSizeY": 0.5,
            "PhysicalSizeZ": 2.0,
        },
    )
    return path


def network(path):
    save_weights(UNet((1, 4, 8), outputs=1), path)
    return path


def test_restored_images_keep_what_is_known_of_them(image, tmp_path, capsys):
    model = network(tmp_path / "upsample_mine")
    command = ["restore", str(image), "--model", str(model), "--diameter", "20"]
    assert run([*command, "--nuclei", "2", "--device", "cpu"]) == 0
    (restored,) = open_images(tmp_path / "cells.ome_restored.ome.tif")
    assert restored.shape == (1, 2, 3, 45, 60)
    assert restored.channel_names == ("cells", "nuclei")
    assert restored.pixel_size_um == pytest.approx((2.0, 0.5 / 1.5, 0.5 / 1.5))
    with tifffile.TiffFile(restored.path) as file:
        text = file.ome_metadata or ""
    start, end = "<Description>", "</Description>"
    made = json.loads(
        text[text.index(start) + len(start) : text.index(end)].replace("&quot;", '"')
    )
    nuclei = made["restored"][1]
    assert (nuclei["channel"], nuclei["beside_cells"]) == (2, True)
    assert nuclei["sha256"] == sha256_of(model)
    assert made["parameters"]["diameter"] == 20
    # Nothing is replaced, and a restored image is none of the folder's own.
    assert run(["restore", str(tmp_path), "--model", str(model)]) != 0
    said = capsys.readouterr()
    assert "exists already" in said.err
    assert "left out" in said.out + said.err


def test_networks_that_find_cells_restore_nothing_and_the_reverse(tmp_path, capsys):
    finds = tmp_path / "finds"
    save_weights(UNet((2, 4, 8)), finds)
    assert run(["restore", "a.tif", "--model", str(finds)]) != 0
    assert "finds cells and restores no images" in capsys.readouterr().err
    restores = network(tmp_path / "denoise_mine")
    assert run(["segment", "a.tif", "--model", str(restores)]) != 0
    assert (
        "denoise_mine restores images and finds no cells. Use it by: cellpose-studio "
        "restore IMAGE --model denoise_mine."
    ) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--channels", "3"], "has no channel 3"),
        (["--nuclei", "7"], "has no channel 7"),
        (["--nuclei-model", "denoise_nuclei"], "needs the channel of nuclei"),
        (["--model", "denoise_cyto9"], "no network denoise_cyto9"),
        (["--model", "denoise_cyto2"], "not installed"),
    ],
    ids=str,
)
def test_bad_options_are_refused_in_a_sentence(image, tmp_path, capsys, more, said):
    model = network(tmp_path / "denoise_mine")
    try:
        code = run(["restore", str(image), "--model", str(model), *more])
    except SystemExit as error:
        code = error.code
    assert code != 0
    assert said in capsys.readouterr().err
    assert not [*tmp_path.glob("*_restored*")]
