"""Models from packages of bioimage.io."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from cellpose_studio.cli.main import run
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks.catalogue import from_file, shipped
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import weight_bytes
from cellpose_studio.workflows.training.bioimageio.files import is_package
from cellpose_studio.workflows.training.bioimageio.read import import_package
from cellpose_studio.workflows.training.bioimageio.write import write_package


def saved(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


@pytest.fixture
def files() -> dict[str, bytes]:
    """The files of a package as Cellpose 3 writes it, but a small network."""
    torch.manual_seed(1)
    net = UNet((2, 4, 8)).eval()
    pixels = np.random.default_rng(0).normal(size=(1, 2, 16, 16)).astype(np.float32)
    with torch.inference_mode():
        output = net(torch.from_numpy(pixels))[0].numpy()
    weights = weight_bytes(net)
    about = {
        "type": "model",
        "format_version": "0.5.4",
        "name": "Nuclei of ovules (3D)",
        "description": "Finds nuclei.",
        "authors": [{"name": "A. Cell", "affiliation": "Somewhere"}, {"name": "B."}],
        "cite": [{"text": "Cell et al.", "doi": "10.1242/dev.202800"}],
        "license": "MIT",
        "documentation": "README.md",
        "inputs": [{"id": "raw", "test_tensor": {"source": "in.npy"}}],
        "outputs": [{"id": "flow", "test_tensor": {"source": "out.npy"}}],
        "weights": {
            "pytorch_state_dict": {
                "source": "net.pth",
                "sha256": hashlib.sha256(weights).hexdigest(),
                "architecture": {
                    "callable": "CPnetBioImageIO",
                    "source": "resnet_torch.py",
                    "kwargs": {"nbase": [2, 4, 8], "nout": 3, "sz": 3},
                },
            }
        },
    }
    return {
        "rdf.yaml": yaml.safe_dump(about).encode(),
        "net.pth": weights,
        "in.npy": saved(pixels),
        "out.npy": saved(output),
        "README.md": b"# Ovules\nGrow them.",
        "resnet_torch.py": b"raise SystemExit('boom')",
    }


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def changed(files: dict[str, bytes], **changes: object) -> dict[str, bytes]:
    about = yaml.safe_load(files["rdf.yaml"]) | changes
    return files | {"rdf.yaml": json.dumps(about).encode()}


def added(path: Path, folder: Path) -> Path:
    return import_package(path, Checkpoint(), folder / "models")


def refusal(path: Path, folder: Path) -> str:
    with pytest.raises(ModelUnusable) as raised:
        added(path, folder)
    assert not (folder / "models").exists()
    return raised.value.message


def test_a_package_of_cellpose_3_becomes_a_model_with_its_card(files, tmp_path):
    package = packed(tmp_path / "ovules.zip", files)
    assert is_package(package)
    path = added(package, tmp_path)
    model = from_file(path)
    assert path.name == "Nuclei-of-ovules-3D"
    assert model.sha256 == hashlib.sha256(files["net.pth"]).hexdigest()
    assert (model.title, model.licence) == ("Nuclei of ovules (3D)", "MIT")
    assert model.description == "Finds nuclei."
    card = model.card
    assert card is not None
    assert card.authors == ("A. Cell, Somewhere", "B.")
    assert card.cite == ("Cell et al. https://doi.org/10.1242/dev.202800",)
    assert card.documentation.startswith("# Ovules")
    # The same again is the same model.
    assert added(package, tmp_path) == path


def test_a_folder_is_a_package_too_and_a_zip_may_hold_one(files, tmp_path):
    folder = tmp_path / "ovules"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    assert is_package(folder)
    inside = {f"ovules/{name}": content for name, content in files.items()}
    packages = folder, packed(tmp_path / "a.zip", inside)
    assert len({added(package, tmp_path) for package in packages}) == 1
    assert not is_package(tmp_path)


def test_version_0_4_and_networks_without_a_style(files, tmp_path):
    weights = {
        "source": "net.pth",
        "architecture": "resnet_torch.py:CPnet",
        "kwargs": {"style_on": False},
    }
    content = changed(
        files,
        format_version="0.4.10",
        weights={"pytorch_state_dict": weights},
        inputs=[],
        outputs=[],
    )
    path = added(packed(tmp_path / "a.zip", content), tmp_path)
    assert from_file(path).architecture == "unet-style-off"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"type": "dataset"}, "describes no model, but: dataset"),
        ({"format_version": "0.3.6"}, "has the format 0.3.6"),
        ({"weights": {"onnx": {"source": "a.onnx"}}}, "but: onnx"),
        ({"documentation": "https://example.org/a.md"}, "which is on the web"),
        ({"documentation": "../secret"}, "leads out of it"),
        ({"documentation": "/etc/hostname"}, "leads out of it"),
        ({"documentation": "C:\\secret"}, "leads out of it"),
        ({"documentation": "none.md"}, "lacks its file none.md"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused_in_a_sentence(files, tmp_path, changes, said):
    package = packed(tmp_path / "a.zip", changed(files, **changes))
    assert said in refusal(package, tmp_path)


def test_other_weights_than_described_are_refused(files, tmp_path):
    other = weight_bytes(UNet((2, 4, 8)))
    package = packed(tmp_path / "a.zip", files | {"net.pth": other})
    assert "SHA-256 differs" in refusal(package, tmp_path)


def test_another_network_with_weights_of_the_same_names_is_refused(files, tmp_path):
    output = np.load(io.BytesIO(files["out.npy"]))
    package = packed(tmp_path / "a.zip", files | {"out.npy": saved(output + 0.5)})
    assert "not one of Cellpose's" in refusal(package, tmp_path)


@pytest.mark.parametrize("name", ["../out", "/out", "a\\..\\..\\out", "C:out"])
def test_names_that_lead_out_of_a_zip_are_refused(files, tmp_path, name):
    package = packed(tmp_path / "a.zip", files)
    with zipfile.ZipFile(package, "a") as archive:
        part = zipfile.ZipInfo("x")
        part.filename = name
        archive.writestr(part, b"harmless")
    assert "leads out of it" in refusal(package, tmp_path)


def test_links_are_not_followed(files, tmp_path):
    package = packed(tmp_path / "a.zip", files)
    with zipfile.ZipFile(package, "a") as archive:
        part = zipfile.ZipInfo("link")
        part.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(part, b"rdf.yaml")
    assert "link is a link" in refusal(package, tmp_path)
    folder = tmp_path / "ovules"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (tmp_path / "outside.md").write_text("harmless")
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to(tmp_path / "outside.md")
    assert "a link that leads out of it" in refusal(folder, tmp_path)


def test_what_would_fill_the_memory_is_refused(files, tmp_path):
    large = packed(tmp_path / "a.zip", files | {"README.md": b" " * (1 << 21)})
    assert "README.md has 2,097,152 bytes" in refusal(large, tmp_path)
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\ntype: model\n"
    nested = packed(tmp_path / "b.zip", files | {"rdf.yaml": bomb.encode()})
    assert "cannot be read" in refusal(nested, tmp_path)
    many = {f"{n}.txt": b"" for n in range(1001)}
    assert "it has 10" in refusal(packed(tmp_path / "c.zip", files | many), tmp_path)


def test_damaged_packages_are_refused(files, tmp_path):
    package = packed(tmp_path / "a.zip", files)
    content = package.read_bytes()
    package.write_bytes(content[: len(content) // 2])
    assert "is damaged, or no ZIP" in refusal(package, tmp_path)
    assert not is_package(package)
    other = packed(tmp_path / "b.zip", {"a.txt": b""})
    assert "has no rdf.yaml" in refusal(other, tmp_path)


@pytest.mark.slow
def test_a_model_that_was_packed_here_comes_back_the_same(tmp_path, capsys):
    model = shipped()[0]
    package = tmp_path / "nuclei.zip"
    write_package(model, "A. Cell", "CC0-1.0", package)
    assert run(["models", "add", str(package)]) == 0
    path = Path(capsys.readouterr().out.split("nuclei.zip: ")[1].strip())
    found = from_file(path)
    pixels = np.random.default_rng(0).normal(size=(1, 2, 64, 64)).astype(np.float32)
    outputs = [load(one, CPU).run(pixels) for one in (model, found)]
    np.testing.assert_array_equal(*outputs)
    assert found.card is not None
    assert model.card is not None
    assert found.card.accuracy == model.card.accuracy
    assert found.card.authors == ("A. Cell",)
    assert (found.licence, found.diam_mean) == ("CC0-1.0", model.diam_mean)
    assert run(["models", str(path)]) == 0
    assert "By: A. Cell" in capsys.readouterr().out
