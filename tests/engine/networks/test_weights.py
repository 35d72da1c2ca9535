"""Which weight files are taken for what, and that none of them runs code."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import inspect, read_weights, save_weights


def refusal(path: Path) -> str:
    """The message of a file that is refused by both ways to open it."""
    with pytest.raises(ModelUnusable) as caught:
        inspect(path)
    assert str(caught.value).count(".") >= 1
    assert "\n" not in str(caught.value)
    return caught.value.message


def test_a_u_nets_file_says_what_it_is(unet_file):
    spec = inspect(unet_file)
    assert (spec.name, spec.path, spec.architecture) == ("little", unet_file, "unet")
    assert (spec.input_channels, spec.diam_mean, spec.diam_labels) == (2, 20.0, 24.0)
    assert spec.sha256 == hashlib.sha256(unet_file.read_bytes()).hexdigest()


def test_a_name_loses_the_ending_of_a_weight_file_but_no_version_number(unet_file):
    for file, name in (("a.pt", "a"), ("b.pth", "b"), ("cyto2.1", "cyto2.1")):
        path = unet_file.with_name(file)
        path.write_bytes(unet_file.read_bytes())
        assert inspect(path).name == name


def test_files_of_cellpose_1_know_no_diameter_and_mean_30_pixels(unet_file):
    weights = read_weights(unet_file)
    del weights["diam_mean"], weights["diam_labels"]
    torch.save(weights, unet_file)
    spec = inspect(unet_file)
    assert (spec.diam_mean, spec.diam_labels) == (30.0, 30.0)


def test_the_number_of_channels_is_that_of_the_first_convolution(tmp_path):
    save_weights(UNet((1, 4, 8)), tmp_path / "grey")
    assert inspect(tmp_path / "grey").input_channels == 1


def test_names_from_parallel_training_lose_their_prefix(unet_file):
    weights = read_weights(unet_file)
    torch.save({f"module.{name}": w for name, w in weights.items()}, unet_file)
    assert read_weights(unet_file).keys() == weights.keys()
    assert inspect(unet_file).architecture == "unet"


@pytest.mark.parametrize("mapped", [False, True])
def test_files_of_torch_before_1_6_can_be_read(unet_file, mapped):
    weights = read_weights(unet_file)
    torch.save(weights, unet_file, _use_new_zipfile_serialization=False)
    again = read_weights(unet_file, mapped)
    assert all(torch.equal(again[name], w) for name, w in weights.items())


def test_a_transformer_is_told_by_its_names(sam_spec):
    assert sam_spec.architecture == "sam"
    assert sam_spec.input_channels == 3
    assert (sam_spec.diam_mean, sam_spec.diam_labels) == (30.0, 30.0)


def test_a_dino_transformer_is_told_from_the_other(tmp_path):
    names = ("encoder.cls_token", "encoder.norm.weight", "W2")
    torch.save({name: torch.zeros(2) for name in names}, tmp_path / "dino")
    assert inspect(tmp_path / "dino").architecture == "dino"


def test_a_missing_file_is_named(tmp_path):
    message = refusal(tmp_path / "gone")
    assert message == "gone cannot be opened: No such file or directory."


def test_a_folder_is_no_weight_file(tmp_path):
    (tmp_path / "folder").mkdir()
    assert refusal(tmp_path / "folder") == "folder cannot be opened: Is a directory."


@pytest.mark.parametrize(
    "content",
    [b"", b"hello\n", b"\x89PNG\r\n\x1a\n" + bytes(100), b"PK\x03\x04" + bytes(100)],
    ids=["empty", "text", "picture", "half an archive"],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "model").write_bytes(content)
    assert refusal(tmp_path / "model").startswith("model is ")


@pytest.mark.parametrize("part", [0.0001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
@pytest.mark.parametrize("archive", [True, False])
def test_a_file_that_was_cut_off_is_refused(unet_file, part, archive):
    weights = read_weights(unet_file)
    torch.save(weights, unet_file, _use_new_zipfile_serialization=archive)
    whole = unet_file.read_bytes()
    unet_file.write_bytes(whole[: int(part * len(whole))])
    message = refusal(unet_file)
    assert message.startswith("little is ")
    with pytest.raises(ModelUnusable, match=message):
        read_weights(unet_file)


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __reduce__(self):
        return Path.touch, (self._target,)


@pytest.mark.parametrize("way", ["pickle", "archive", "old"])
def test_code_in_a_file_does_not_run(tmp_path, way):
    gone_off, path = tmp_path / "gone off", tmp_path / "model"
    if way == "pickle":
        path.write_bytes(pickle.dumps(Bomb(gone_off)))
    else:
        content = {"W2": torch.zeros(1), "encoder.x": Bomb(gone_off)}
        torch.save(content, path, _use_new_zipfile_serialization=way == "archive")
    expected = "model is not a weight file, or contains code."
    assert refusal(path) == expected
    with pytest.raises(ModelUnusable, match=expected):
        read_weights(path)
    assert not gone_off.exists()
    if way == "pickle":
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert gone_off.exists(), "the file is harmless, and the test shows nothing"


@pytest.mark.parametrize(
    "content",
    [
        {},
        [torch.zeros(3)],
        torch.zeros(3),
        "weights",
        {"layer.weight": torch.zeros(3)},
        {"output.2.weight": torch.zeros(3, 8, 1, 1)},
        {"model": {"W2": torch.zeros(3)}, "epoch": 4},
        {"W2": torch.zeros(3)},
    ],
)
def test_tensors_of_something_else_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "model")
    assert (
        refusal(tmp_path / "model") == "model contains no weights of a Cellpose model."
    )


def test_networks_that_look_alike_but_are_not_run_here_are_named(tmp_path):
    save_weights(UNet((2, 4, 8), outputs=2), tmp_path / "other")
    assert "a network with 2 outputs" in refusal(tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "diameter"), [("denoise_cyto3", 30), ("a_nuclei", 17)]
)
def test_a_network_that_restores_images_has_the_diameter_of_its_name(
    tmp_path, name, diameter
):
    net = UNet((1, 4, 8), outputs=1)
    net.diam_mean.data[:] = 25.0
    save_weights(net, tmp_path / name)
    found = inspect(tmp_path / name)
    assert (found.architecture, found.diam_mean) == ("unet-restoration", diameter)


def test_a_network_without_its_style_is_told_by_the_name_of_its_file(unet_file):
    # Cellpose 1 and 2 tell such files by their names, too.
    unstyled = unet_file.with_name("cellpose_residual_on_style_off_concatenation_off_x")
    unstyled.write_bytes(unet_file.read_bytes())
    assert inspect(unstyled).architecture == "unet-style-off"


@given(at=st.integers(0, 20_000), value=st.integers(0, 255))
def test_a_damaged_file_is_refused_or_read_but_never_crashes(
    tmp_path_factory, at, value
):
    path = tmp_path_factory.getbasetemp() / "damaged"
    whole = path.with_name("whole")
    if not whole.exists():
        save_weights(UNet((1, 2, 3)), whole)
    content = bytearray(whole.read_bytes())
    content[at % len(content)] = value
    path.write_bytes(content)
    with suppress(ModelUnusable):
        assert inspect(path).architecture == "unet"


def changed(file, name, weight):
    """Write the weights of ``file`` again with another tensor, and return the file."""
    torch.save(read_weights(file) | {name: weight}, file)
    return file


KERNEL = "downsample.down.res_down_0.conv.conv_0.2.weight"  # (4, 2, 3, 3)
LANDMARK = "downsample.down.res_down_0.proj.1.weight"
VALUES = torch.zeros(4, 2, 3, 3)


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (VALUES.index_fill(0, torch.tensor([2]), torch.nan), "not all finite numbers"),
        (VALUES.index_fill(0, torch.tensor([2]), -torch.inf), "not all finite numbers"),
        (VALUES.double() + 1e300, "not all finite numbers"),
        (VALUES.to_sparse(), "sparse"),
        (VALUES.to("meta"), "without values"),
        (VALUES.to(torch.complex64), "complex numbers"),
        (torch.zeros(1).expand(4, 1 << 40), "larger than the file"),
        (torch.zeros(0, 2, 3, 3), "empty"),
    ],
)
def test_a_weight_that_no_network_can_have_is_named(unet_file, weight, said):
    expected = f"little is damaged: the weights {KERNEL} are {said}."
    assert refusal(changed(unet_file, KERNEL, weight)) == expected
    with pytest.raises(ModelUnusable):
        read_weights(unet_file)


@pytest.mark.parametrize("name", [KERNEL, LANDMARK, "output.2.weight"])
@pytest.mark.parametrize("weight", [torch.tensor(1.0), torch.zeros(2), VALUES[:2]])
def test_weights_of_another_shape_are_refused_when_they_are_chosen(
    unet_file, name, weight
):
    said = refusal(changed(unet_file, name, weight))
    assert "do not fit the network" in said or "cannot be run here" in said


def test_a_file_that_declares_a_gigantic_network_takes_no_memory(unet_file):
    """The second convolution would have 10^14 weights."""
    wide = torch.zeros(1 << 20, 2, 1, 1)
    said = refusal(changed(unet_file, LANDMARK, wide))
    assert said == "The weights of little do not fit the network."


@pytest.mark.parametrize("name", ["diam_mean", "diam_labels"])
@pytest.mark.parametrize("value", [0.0, -17.0, 0.5, 1e4, 1e9])
def test_an_absurd_diameter_is_refused(unet_file, name, value):
    said = refusal(changed(unet_file, name, torch.tensor([value])))
    assert said == f"little is damaged: its {name} is no diameter of 1 to 1000 px."


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_diameter_that_is_no_number_is_refused(unet_file, value):
    said = refusal(changed(unet_file, "diam_mean", torch.tensor([value])))
    assert (
        said == "little is damaged: the weights diam_mean are not all finite numbers."
    )


def test_an_archive_that_would_fill_the_memory_is_not_unpacked(tmp_path):
    path = tmp_path / "little"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 20))
    expected = "little is damaged: it declares more data than it holds."
    assert refusal(path) == expected


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes have names")
def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == "pipe is a pipe, not a weight file."
    assert refusal(Path("/dev/null")) == "null is a device, not a weight file."


@pytest.mark.parametrize(
    ("file", "stored", "used"),
    [
        ("cytotorch_0", None, 30.0),
        ("nucleitorch_0", None, 17.0),
        # As in Cellpose 2 and 3, whatever its file says.
        ("nucleitorch_2", 30.0, 17.0),
        ("my_nuclei", None, 17.0),
        ("my_nuclei", 22.0, 22.0),
    ],
)
def test_cellposes_models_of_nuclei_mean_17_pixels(tmp_path, file, stored, used):
    net = UNet((2, 4, 8))
    weights = net.state_dict()
    for name in ("diam_mean", "diam_labels"):
        if stored is None:
            del weights[name]
        else:
            weights[name][:] = stored
    torch.save(weights, tmp_path / file)
    spec = inspect(tmp_path / file)
    assert (spec.diam_mean, spec.diam_labels) == (used, used)


def test_a_transformer_of_cellpose_3_is_refused_by_name(tmp_path):
    names = (
        "net.encoder.patch_embed1.proj.weight",
        "net.decoder.center.0.weight",
        "net.segmentation_head.0.weight",
        "diam_mean",
    )
    torch.save({name: torch.ones(1) for name in names}, tmp_path / "transformer_cp3")
    assert refusal(tmp_path / "transformer_cp3") == (
        "transformer_cp3 is a Transformer of Cellpose 3, as transformer_cp3 is, which "
        "cannot be run here."
    )


def test_a_network_that_tells_cells_from_borders_is_refused(tmp_path):
    path = tmp_path / "unet3_residual_off_style_off_concatenation_on_a"
    save_weights(UNet((2, 4, 8), residual=False, concatenation=True), path)
    assert "tells cells from borders, which cannot be run here" in refusal(path)
