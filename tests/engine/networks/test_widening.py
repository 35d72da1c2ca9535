"""The shipped models as files that Cellpose 1 to 3 run."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch

from cellpose_studio.cli.main import run
from cellpose_studio.engine.networks.catalogue import from_file, shipped
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import read_weights
from cellpose_studio.engine.networks.widening import (
    WIDTHS,
    reason_not_widened,
    widened,
)
from cellpose_studio.io.images.sample import sample_path


@pytest.mark.parametrize("spec", shipped(), ids=lambda spec: spec.name)
def test_a_wider_network_computes_the_same(spec):
    weights = read_weights(spec.path)
    narrow = UNet((2, 16, 32, 64, 128))
    narrow.load_state_dict(weights)
    wide = UNet((2, *WIDTHS))
    wide.load_state_dict(widened(weights))
    pixels = torch.from_numpy(
        np.random.default_rng(0).normal(0, 1, (2, 2, 64, 96)).astype(np.float32)
    )
    with torch.inference_mode():
        (flows, style), (same, wider) = narrow.eval()(pixels), wide.eval()(pixels)
    torch.testing.assert_close(same, flows, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(wider[:, :128], style, atol=1e-5, rtol=1e-5)
    assert not wider[:, 128:].any()


def test_networks_that_do_not_fit_are_refused():
    def reason(*widths, **options):
        return reason_not_widened(UNet((2, *widths), **options).state_dict())

    assert "copy the file" in reason(*WIDTHS)
    assert "(40, 64, 128, 256)" in reason(40, 64, 128, 256)
    assert "(32, 64, 128)" in reason(32, 64, 128)
    assert "concatenated" in reason(16, 32, 64, 128, concatenation=True)


def test_the_file_is_written_once(tmp_path, capsys):
    file = tmp_path / "nuclei"
    command = ["models", "nuclei-small", "--for-cellpose", str(file)]
    assert run(command) == 0
    assert "with the diameter of your cells" in capsys.readouterr().out
    written = from_file(file)
    assert (written.architecture, written.diam_mean) == ("unet", 17)
    content = file.read_bytes()
    assert run(command) != 0
    assert "exists already" in capsys.readouterr().err
    assert file.read_bytes() == content


@pytest.mark.slow
def test_cellpose_3_gives_the_same_masks(tmp_path, cellpose_3):
    file = tmp_path / "nuclei"
    assert run(["models", "nuclei-small", "--for-cellpose", str(file)]) == 0
    model = {"pretrained_model": str(file)}
    options = {"channels": [0, 0], "diameter": 25.8}
    sample = tifffile.imread(sample_path())
    job = {"do": "masks", "image": sample, "model": model, "options": options}
    theirs = cellpose_3.run([job])[0]["masks"]
    options = ["--model", "nuclei-small", "--diameter", "25.8", "--out", tmp_path]
    assert run([*map(str, ["segment", sample_path(), *options])]) == 0
    ours = tifffile.imread(tmp_path / "nuclei_cp_masks.tif")
    assert theirs.max() == ours.max() > 60
    assert np.mean((theirs > 0) == (ours > 0)) > 0.999
