"""A model as a package of bioimage.io."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest
import torch

from cellpose_studio.cli.main import run
from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.engine.networks.catalogue import from_file, shipped
from cellpose_studio.engine.networks.size_model import size_model_path
from cellpose_studio.workflows.training.bioimageio.write import (
    write_copy,
    write_package,
)


@pytest.mark.slow
def test_a_package_has_a_network_that_gives_its_test_output(tmp_path, capsys):
    out = tmp_path / "phase.zip"
    arguments = ["--author", "A. Cell", "--licence", "CC0-1.0"]
    assert run(["models", "phase-small", "--bioimageio", str(out), *arguments]) == 0
    with zipfile.ZipFile(out) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(files["rdf.yaml"])
    assert (about["license"], about["authors"]) == ("CC0-1.0", [{"name": "A. Cell"}])
    weights = about["weights"]["pytorch_state_dict"]
    for described in (weights, weights["architecture"], *about["attachments"]):
        content = files[described["source"]]
        assert described["sha256"] == hashlib.sha256(content).hexdigest()

    # What another program does with it, without this one.
    names: dict = {"__name__": "network"}
    exec(files["network.py"].decode(), names)
    network = names[weights["architecture"]["callable"]](
        **weights["architecture"]["kwargs"]
    )
    state = torch.load(io.BytesIO(files["weights.pt"]), weights_only=True)
    network.load_state_dict(state)
    pixels = np.load(io.BytesIO(files["test_input.npy"]))
    expected = np.load(io.BytesIO(files["test_output.npy"]))
    with torch.no_grad():
        found = network.eval()(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_transformer_is_not_packed(tmp_path):
    model = shipped()[0].model_copy(update={"architecture": "sam"})
    with pytest.raises(ModelUnusable, match="cannot be packed"):
        write_package(model, "A. Cell", "CC0-1.0", tmp_path / "sam.zip")


def test_a_copy_is_the_same_model_with_its_card(tmp_path):
    model = shipped()[0].model_copy(update={"title": "mine"})
    out = tmp_path / "for others"
    write_copy(model, out)
    again = from_file(out)
    assert (again.sha256, again.title) == (model.sha256, "mine")
    assert again.card == model.card
    sizes = size_model_path(model.path)
    assert size_model_path(out).is_file() is sizes.is_file()
