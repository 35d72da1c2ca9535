"""RO-Crates: what is in them, and that every reference leads somewhere."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from urllib.parse import unquote

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.core.provenance.classes.class_work import class_work
from cellpose_studio.core.provenance.classes.classifier_record import (
    ClassExamples,
    ClassifierRecord,
)
from cellpose_studio.core.provenance.hand_work import HandWork
from cellpose_studio.core.provenance.record import ImageRecord, RunRecord
from cellpose_studio.core.provenance.revision import JournalEntry
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.ro_crate.writer import write_ro_crate
from tests.records import UNET

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

EDITS = (
    JournalEntry(
        id=1, label_set=1, base=1, operation="Delete cell", cells=(3,), time=NOON
    ),
    JournalEntry(
        id=2, label_set=1, base=1, operation="Split cell", cells=(4,), time=NOON
    ),
)


@pytest.fixture
def image(cells):
    return open_images(cells("a picture.tif"))[0]


@pytest.fixture
def record(image):
    return RunRecord(
        image=ImageRecord(
            name=image.name,
            path=str(image.path),
            scene="",
            axes=image.file_axes,
            shape=image.shape,
            dtype="uint16",
            pixel_size_um=image.pixel_size_um,
            fingerprint=image.fingerprint,
            pixels_sha256="12" * 32,
        ),
        model=UNET,
        parameters=SegmentationParameters(channels=(1, None), diameter=20.5),
        device="cpu",
        device_title="CPU",
        precision="float32",
        threads=2,
        versions={"cellpose-studio": "0.1.0", "python": "3.11", "torch": "2.13.0"},
        platform="Linux",
        started=NOON,
        seconds=90,
        outcome="finished",
        cells=2,
    )


@pytest.fixture
def labels(image):
    labels = np.zeros(image.label_shape, np.uint32)
    labels[:10, :10], labels[20:30, 20:30] = 1, 7
    return labels


def graph_of(folder):
    """Return the entities of a crate by their ids; checks that all are there."""
    content = json.loads((folder / "ro-crate-metadata.json").read_text("utf-8"))
    assert content["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    graph = {entity["@id"]: entity for entity in content["@graph"]}
    assert len(graph) == len(content["@graph"])
    for entity in content["@graph"]:
        for value in entity.values():
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, dict) and not part["@id"].startswith("http"):
                    assert part["@id"] in graph
    files = {i for i, e in graph.items() if e["@type"] == "File"}
    inside = {unquote(i) for i in files if not i.startswith("file:")}
    there = {file.name for file in folder.iterdir()}
    assert there == inside | {"ro-crate-metadata.json"}
    assert {part["@id"] for part in graph["./"]["hasPart"]} == files
    return graph


def test_a_crate_links_the_image_the_software_and_the_masks(
    tmp_path, record, labels, image
):
    write_ro_crate(tmp_path / "crate", record, labels, image)
    graph = graph_of(tmp_path / "crate")
    root = graph["ro-crate-metadata.json"]
    assert root["about"] == {"@id": "./"}
    assert root["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert graph["./"]["name"] == "Masks of a picture.tif"
    assert graph["./"]["datePublished"]
    run = graph["#run"]
    assert run["@type"] == "CreateAction"
    assert run["instrument"] == {"@id": "#cellpose-studio"}
    assert run["result"] == {"@id": "a%20picture_cp_masks.tif"}
    assert {"@id": image.path.as_uri()} in run["object"]
    assert (run["startTime"], run["endTime"]) == (
        "2026-05-04T12:00:00+00:00",
        "2026-05-04T12:01:30+00:00",
    )
    assert run["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert graph["./"]["mentions"] == {"@id": "#run"}
    studio = graph["#cellpose-studio"]
    assert studio["@type"] == "SoftwareApplication"
    assert studio["softwareVersion"] == "0.1.0"
    assert graph["https://pypi.org/project/torch/"]["softwareVersion"] == "2.13.0"
    assert graph["#parameter-diameter"]["value"] == 20.5
    assert graph["#parameter-channels"]["value"] == "1, none"
    assert graph["#parameter-niter"]["value"] == "automatic"
    assert graph["#parameter-threads"]["value"] == 2
    assert graph[image.path.as_uri()]["sha256"] == "12" * 32


def test_the_files_say_what_the_metadata_do(tmp_path, record, labels, image):
    write_ro_crate(tmp_path / "crate", record, labels, image)
    folder = tmp_path / "crate"
    masks = tifffile.imread(folder / "a picture_cp_masks.tif")
    np.testing.assert_array_equal(masks, np.where(labels == 7, 2, labels))
    ids = (folder / "a picture_cp_masks_ids.csv").read_text("ascii")
    assert ids == "label,cell\n1,1\n2,7\n"
    stored = json.loads((folder / "run-record.json").read_text("utf-8"))["record"]
    assert RunRecord.model_validate(stored) == record
    assert "Nuclei (small)" in (folder / "methods.txt").read_text("utf-8")
    graph = graph_of(folder)
    size = (folder / "run-record.json").stat().st_size
    assert graph["run-record.json"]["contentSize"] == str(size)


def test_edits_are_an_action_of_their_own(tmp_path, record, labels, image):
    write_ro_crate(
        tmp_path / "crate", record, labels, image, HandWork(after=EDITS), "Ada"
    )
    graph = graph_of(tmp_path / "crate")
    assert graph["#edits"]["description"] == "Delete cell, Split cell"
    assert graph["#edits"]["agent"] == graph["#run"]["agent"] == {"@id": "#author"}
    assert graph["#author"]["name"] == "Ada"
    assert len(graph["./"]["mentions"]) == 2


@pytest.mark.parametrize(
    ("licence", "name"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", None),
        ("of the institute", "#licence"),
        ("", "#licence"),
    ],
)
def test_a_licence_is_an_entity(tmp_path, record, labels, image, licence, name):
    write_ro_crate(tmp_path / "crate", record, labels, image, licence=licence)
    graph = graph_of(tmp_path / "crate")
    assert graph["./"]["license"] == {"@id": name or licence}
    assert graph[name or licence]["name"] == (licence or "Not stated")


def test_the_image_can_go_with_it(tmp_path, record, labels, image):
    write_ro_crate(tmp_path / "crate", record, labels, image, with_image=True)
    graph = graph_of(tmp_path / "crate")
    assert "a%20picture.tif" in graph
    copy = tmp_path / "crate" / "a picture.tif"
    assert copy.read_bytes() == image.path.read_bytes()


def test_a_zip_holds_the_same(tmp_path, record, labels, image):
    write_ro_crate(tmp_path / "crate.zip", record, labels, image)
    with zipfile.ZipFile(tmp_path / "crate.zip") as archive:
        archive.extractall(tmp_path / "out")
    assert "#run" in graph_of(tmp_path / "out")
    assert not list(tmp_path.glob(".saving*"))


def test_what_is_in_the_way_stays(tmp_path, record, labels, image):
    folder = tmp_path / "crate"
    folder.mkdir()
    write_ro_crate(folder, record, labels, image)
    before = sorted(folder.iterdir())
    with pytest.raises(CannotSave, match="crate is not empty"):
        write_ro_crate(folder, record, labels, image)
    assert sorted(folder.iterdir()) == before
    assert not list(tmp_path.glob(".saving*"))


def test_a_folder_that_is_not_there_is_told_of(tmp_path, record, labels, image):
    for name in ("crate", "crate.zip"):
        with pytest.raises(CannotSave, match=f"{name} could not be saved"):
            write_ro_crate(tmp_path / "no" / name, record, labels, image)


def test_a_crate_has_the_classes_of_cells_and_the_classifier(
    tmp_path, record, labels, image
):
    classifier = ClassifierRecord(
        created=NOON,
        method="Random forest of 200 trees",
        seed=0,
        features=("area_um2",),
        importances=(1.0,),
        classes=(
            ClassExamples(id=1, name="alive", found_as=(4, 1)),
            ClassExamples(id=2, name="dead", found_as=(0, 5)),
        ),
        images=("a picture.tif",),
        folds=5,
        by_image=False,
        versions={"scikit-learn": "1.9.1"},
    )
    work = class_work(
        [
            CellClass(id=1, name="alive", colour="#e69f00"),
            CellClass(id=2, name="dead", colour="#56b4e9"),
        ],
        {1: Assigned(number=2), 7: Assigned(number=1, probability=0.9, classifier=3)},
        {3: classifier, 4: classifier},
    )
    write_ro_crate(tmp_path / "crate", record, labels, image, classes=work)
    graph = graph_of(tmp_path / "crate")
    action = graph["#classes"]
    assert action["result"] == [
        {"@id": "cell-classes.csv"},
        {"@id": "classifier-3.json"},
    ]
    assert {"@id": "#classes"} in graph["./"]["mentions"]
    assert action["description"].startswith(
        "Cells were put into the classes alive and dead by hand and the others by a "
        "classifier. Classifier: Random forest"
    )
    table = (tmp_path / "crate" / "cell-classes.csv").read_text("utf-8")
    assert table.splitlines() == [
        "label,cell,class,class_by,class_probability",
        "1,1,dead,hand,",
        "2,7,alive,classifier,0.9",
    ]
    text = (tmp_path / "crate" / "classifier-3.json").read_text("utf-8")
    assert ClassifierRecord.model_validate_json(text) == classifier
    methods = (tmp_path / "crate" / "methods.txt").read_text("utf-8")
    assert "Accuracy 90%" in methods
    assert "Pedregosa" in methods.partition("References")[2]
