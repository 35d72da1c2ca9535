"""The models that ship, and those in files."""

from __future__ import annotations

import os
import shutil

import pytest

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks import catalogue
from cellpose_studio.engine.networks.catalogue import find, is_weight_file, shipped
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.weights import inspect
from cellpose_studio.paths import resource

SHIPPED = shipped()


def test_a_model_ships():
    assert SHIPPED
    assert len({spec.name for spec in SHIPPED}) == len(SHIPPED)


@pytest.mark.parametrize("spec", SHIPPED, ids=lambda spec: spec.name)
def test_a_shipped_models_card_tells_the_truth(spec):
    facts = {"architecture", "sha256", "input_channels", "diam_mean", "diam_labels"}
    read = inspect(spec.path)
    assert spec.model_dump(include=facts) == read.model_dump(include=facts)
    assert load(spec, CPU).spec == spec


@pytest.mark.parametrize("spec", SHIPPED, ids=lambda spec: spec.name)
def test_a_shipped_models_card_says_what_a_user_wants_to_know(spec):
    assert spec.source == "shipped"
    assert spec.label == spec.title != spec.name
    assert spec.licence
    assert spec.description.endswith(".")


@pytest.mark.parametrize("spec", SHIPPED, ids=lambda spec: spec.name)
def test_a_shipped_model_is_found_by_its_name(spec):
    assert find(spec.name) == spec


def test_a_weight_file_is_found_by_its_path(unet_file):
    assert find(str(unet_file)) == inspect(unet_file)


def test_a_file_that_is_no_model_is_not_taken_for_one(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ModelUnusable, match=r"notes\.txt is "):
        find(str(tmp_path / "notes.txt"))


@pytest.mark.parametrize("name", ["cyto9", "/nowhere/model", ""])
def test_an_unknown_name_is_refused_and_the_known_ones_are_listed(name):
    with pytest.raises(ModelUnusable) as caught:
        find(name)
    assert caught.value.message == f"There is no model {name}."
    assert SHIPPED[0].name in caught.value.hint


@pytest.fixture
def broken_default(tmp_path, monkeypatch):
    """The folder of shipped models, with a card of the default that is cut off."""
    folder = shutil.copytree(resource("models"), tmp_path / "models")
    card = sorted(folder.glob("*.json"))[0]
    card.write_text(card.read_text()[:-100])
    monkeypatch.setattr(catalogue, "resource", lambda name: tmp_path / name)
    return card.stem


@pytest.mark.parametrize("ask", ["find", "default_model", "refuse_unreadable"])
def test_a_shipped_model_with_a_broken_card_is_refused(broken_default, ask):
    arguments = [] if ask == "default_model" else [broken_default]
    with pytest.raises(ModelUnusable) as error:
        getattr(catalogue, ask)(*arguments)
    assert error.value.message == (
        f"The card of the model {broken_default}, which is a part of Cellpose Studio, "
        "cannot be read."
    )
    assert error.value.hint == "Install Cellpose Studio again."


def test_the_other_shipped_models_can_be_used(broken_default):
    names = [spec.name for spec in catalogue.shipped()]
    assert names
    assert broken_default not in names
    assert [catalogue.find(name).name for name in names] == names
    assert len(catalogue.unreadable_shipped()) == 1


def test_a_file_is_told_to_be_one_of_weights_whatever_its_name(unet_file, tmp_path):
    import zipfile

    assert is_weight_file(unet_file)
    assert is_weight_file(tmp_path / "mine.average.json")
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr("notes.txt", "hello")
    os.mkfifo(tmp_path / "pipe")
    for other in ("a.tif", "b", "pipe", "nothing", ""):
        assert not is_weight_file(tmp_path / other)
