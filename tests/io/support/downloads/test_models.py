"""Downloading, checking and removing Cellpose's models, from a server on loopback."""

from __future__ import annotations

import hashlib
import json

import pytest

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave, ModelUnusable
from cellpose_studio.engine.networks.catalogue import find
from cellpose_studio.engine.networks.size_model import find_size_model
from cellpose_studio.io.support.downloads.models import (
    MIRROR,
    check,
    download,
    has_partial,
    installed,
    missing_files,
    published_model,
    published_models,
    remove,
    source_of,
)
from cellpose_studio.io.support.web import NoAnswer
from cellpose_studio.paths import data_dir
from tests.io.support.downloads.file_servers import FileServer, server


def unet_bytes(tmp_path, seed=0):
    import torch

    from cellpose_studio.engine.networks.unet import UNet
    from cellpose_studio.engine.networks.weights import save_weights

    torch.manual_seed(seed)
    path = tmp_path / "weights"
    save_weights(UNet((2, 4, 8)), path)
    content = path.read_bytes()
    path.unlink()
    return content


def size_bytes(tmp_path):
    import numpy as np

    path = tmp_path / "size.npy"
    np.save(
        path, {"A": np.ones(8), "smean": np.zeros(8), "diam_mean": 30.0, "ymean": 0}
    )
    content = path.read_bytes()
    path.unlink()
    return content


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder of Cellpose's models, and an empty home of the application."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path / "cellpose"))
    return tmp_path / "cellpose"


@pytest.fixture
def files(tmp_path, monkeypatch):
    found = {f"nucleitorch_{n}": unet_bytes(tmp_path, n) for n in range(4)}
    found["cyto3"] = unet_bytes(tmp_path, 9)
    found["size_cyto3.npy"] = found["size_nucleitorch_0.npy"] = size_bytes(tmp_path)
    served = FileServer(found)
    with server(served) as (address, _):
        monkeypatch.setenv(MIRROR, f"{address}/models/")
        yield served


CYTO3 = published_model("cyto3")


def test_without_a_mirror_files_come_from_where_cellpose_published_them(monkeypatch):
    monkeypatch.delenv(MIRROR, raising=False)
    assert source_of(CYTO3.files[0]) == "https://www.cellpose.org/models/cyto3"


def test_a_model_is_downloaded_with_its_size_model_where_cellpose_finds_it(
    files, folder
):
    assert installed(CYTO3) is None
    path = download(CYTO3, Checkpoint())
    assert path == installed(CYTO3) == folder / "cyto3"
    assert path.read_bytes() == files.files["cyto3"]
    spec = find("cyto3")
    assert (spec.name, spec.licence) == ("cyto3", CYTO3.licence)
    assert spec.sha256 == hashlib.sha256(files.files["cyto3"]).hexdigest()
    assert find_size_model(path) == folder / "size_cyto3.npy"
    assert missing_files(CYTO3) == []
    files.asked.clear()
    download(CYTO3, Checkpoint())
    assert files.asked == []


def test_what_cellpose_has_downloaded_is_used(files, folder):
    folder.mkdir()
    (folder / "cyto3").write_bytes(files.files["cyto3"])
    assert installed(CYTO3) == folder / "cyto3"
    assert [file.name for file in missing_files(CYTO3)] == ["size_cyto3.npy"]
    download(CYTO3, Checkpoint())
    assert [name for name, _ in files.asked] == ["size_cyto3.npy"]


def test_with_a_home_of_its_own_models_stay_in_it(files, tmp_path, monkeypatch):
    monkeypatch.delenv("CELLPOSE_LOCAL_MODELS_PATH")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    path = download(CYTO3, Checkpoint())
    assert path == tmp_path / "home" / "data" / "models" / "cyto3"


def test_four_networks_become_one_model(files, folder):
    model = published_model("nuclei-average")
    assert installed(model) is None
    path = download(model, Checkpoint())
    assert path == installed(model) == folder / "nuclei-average.average.json"
    listed = json.loads(path.read_bytes())["average"]
    assert [member["file"] for member in listed] == [
        f"nucleitorch_{n}" for n in range(4)
    ]
    spec = find("nuclei-average")
    assert (spec.architecture, spec.diam_mean) == ("unet-average", 17.0)
    # The single network is among them.
    assert find("nuclei").architecture == "unet"
    (folder / "nucleitorch_2").unlink()
    assert installed(model) is None


def test_the_hash_of_the_first_download_is_kept_and_later_ones_must_be_the_same(
    files, folder
):
    download(CYTO3, Checkpoint())
    assert {one.verdict for one in check(CYTO3, Checkpoint())} == {
        "as downloaded first"
    }
    right = files.files["cyto3"]
    (folder / "cyto3").unlink()
    files.files["cyto3"] = right[:-1] + b"?"
    with pytest.raises(NoAnswer, match="another file than the known cyto3"):
        download(CYTO3, Checkpoint())
    assert installed(CYTO3) is None
    files.files["cyto3"] = right
    path = download(CYTO3, Checkpoint())
    path.write_bytes(right + b"!")
    verdicts = {one.name: one.verdict for one in check(CYTO3, Checkpoint())}
    assert verdicts == {"cyto3": "changed", "size_cyto3.npy": "as downloaded first"}


def test_a_hash_that_cannot_be_recorded_is_said(files):
    place = data_dir() / "models"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"no folder")
    with pytest.raises(CannotSave, match="sha256"):
        download(CYTO3, Checkpoint())


def test_a_file_of_cellposes_has_its_hash_recorded_at_the_first_check(files, folder):
    folder.mkdir()
    (folder / "cyto3").write_bytes(files.files["cyto3"])
    (first,) = check(CYTO3, Checkpoint())
    (second,) = check(CYTO3, Checkpoint())
    assert (first.verdict, second.verdict) == ("recorded now", "as downloaded first")


def test_a_published_hash_decides(files, folder):
    folder.mkdir()
    (folder / "cytotorch_0").write_bytes(b"something else")
    (checked,) = check(published_model("cyto"), Checkpoint())
    assert checked.verdict == "changed"


def test_an_interrupted_download_is_seen_and_goes_on(files):
    files.cut_after = 1000
    with pytest.raises(NoAnswer, match="broke"):
        download(CYTO3, Checkpoint())
    assert has_partial(CYTO3)
    files.cut_after = None
    download(CYTO3, Checkpoint())
    assert not has_partial(CYTO3)


def test_removing_keeps_what_another_model_needs(files, folder):
    download(published_model("nuclei-average"), Checkpoint())
    assert remove(published_model("nuclei")) == 0
    assert installed(published_model("nuclei-average"))
    freed = remove(published_model("nuclei-average"))
    # The first network and its size model are the model "nuclei".
    assert freed > 0
    assert installed(published_model("nuclei")) == folder / "nucleitorch_0"
    assert installed(published_model("nuclei-average")) is None
    remove(published_model("nuclei"))
    assert not [path for path in folder.iterdir() if not path.name.startswith(".")]


@pytest.mark.parametrize("name", ["transformer_cp3", "denoise_cyto3"])
def test_what_does_not_run_here_is_refused_by_name(name):
    with pytest.raises(ModelUnusable) as raised:
        find(name)
    assert raised.value.message.startswith(f"{name} ")


def test_a_model_that_is_not_installed_says_how_to_get_it():
    with pytest.raises(ModelUnusable) as raised:
        find("cyto3")
    assert raised.value.message == "The model cyto3 of Cellpose is not installed."
    assert raised.value.hint == "Models… downloads it."
    assert "models get cyto3" in raised.value.in_command_line()


def test_no_published_model_is_installed_in_an_empty_home():
    assert not any(map(installed, published_models()))
