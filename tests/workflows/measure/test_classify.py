"""A classifier that learns from the measurements of cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.measure.features import common_features, features_of
from cellpose_studio.core.measure.inputs import Channel
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.scale import Scale
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.core.provenance.classes.classifier_record import ClassifierRecord
from cellpose_studio.io.masks.folders import ImageFiles
from cellpose_studio.workflows.measure.classify import (
    ClassedImage,
    FeaturesMissing,
    TooFewExamples,
    train_classifier,
)
from cellpose_studio.workflows.measure.columns import WhatToMeasure
from cellpose_studio.workflows.measure.files import items_of_file
from cellpose_studio.workflows.measure.measure import measure_image

CLASSES = (
    CellClass(id=4, name="small", colour="#e69f00", key=1),
    CellClass(id=9, name="large", colour="#56b4e9", key=2),
)


def discs(seed=0, channel="DNA", scale=None):
    """Return measurements of 40 discs: those with odd ids are large."""
    random = np.random.default_rng(seed)
    labels = np.zeros((160, 250), np.uint32)
    y, x = np.ogrid[:160, :250]
    for n in range(40):
        radius = (10 if n % 2 == 0 else 5) + random.uniform(-1, 1)
        at = 16 + 32 * (n // 8), 16 + 31 * (n % 8)
        labels[(y - at[0]) ** 2 + (x - at[1]) ** 2 < radius**2] = n + 1
    grey = random.normal(100, 5, labels.shape)
    channels = [Channel(name=channel, pixels=grey)]
    return measure_cells(labels, channels, scale=scale or Scale())


def classed(table, cells, name="a.tif"):
    by_hand = {cell: Assigned(number=9 if cell % 2 else 4) for cell in cells}
    return ClassedImage(name=name, table=table, assigned=by_hand)


def test_a_few_clicks_class_all_other_cells():
    table = discs()
    trained = train_classifier([classed(table, range(1, 11))], CLASSES, Checkpoint())
    found = trained.classify(table, "a.tif", 3)
    assert len(found) == 40
    for cell, one in found.items():
        assert one.number == (9 if cell % 2 else 4)
        assert one.classifier == 3
        assert 0.5 <= one.probability <= 1
    record = trained.record
    assert (record.examples, record.right, record.folds) == (10, 10, 5)
    assert record.accuracy == record.balanced_accuracy == 1
    assert not record.by_image
    low, high = record.interval
    assert low == pytest.approx(0.7225, abs=1e-3)
    assert high == 1
    assert record.features[0] == "area_px"
    assert "10 cells classed by hand in 1 image: small (5) and large (5)" in record.text
    assert ClassifierRecord.model_validate_json(record.model_dump_json()) == record


def test_neither_ids_nor_places_are_features():
    names = common_features([discs()])
    for part in ("centroid", "bbox", "cell", "orientation", "background", "edge"):
        assert not [name for name in names if name.startswith(part)]
    assert {"area_px", "roundness", "solidity", "mean_DNA", "touching_cells"} <= {
        *names
    }


def test_sizes_in_um_are_compared_where_all_images_have_them():
    fine, coarse = discs(scale=Scale(um=0.5)), discs(scale=Scale(um=1.0))
    assert "area_um2" in common_features([fine, coarse])
    assert "area_px" not in common_features([fine, coarse])
    assert "area_px" in common_features([fine, discs()])


def test_a_cell_that_is_there_several_times_counts_once():
    labels = np.zeros((3, 20, 20), np.uint32)
    for t, size in enumerate((2, 4, 9)):
        labels[t, :size, :3] = 7
    labels[1, 12:, 12:] = 2
    table = measure_cells(labels, in_time=True)
    found = features_of(table, ["area_px"])
    assert found.ids.tolist() == [2, 7]
    assert found.values[:, 0].tolist() == [64, 15]


def test_too_few_examples_are_told_with_what_is_there():
    table = discs()
    with pytest.raises(TooFewExamples) as refused:
        train_classifier([classed(table, [1, 2, 3, 4, 5])], CLASSES, Checkpoint())
    assert "3 cells, classed by hand, of each of 2 classes" in refused.value.message
    assert "So far: small 2, large 3." in refused.value.message


def test_a_class_with_too_few_examples_is_left_out():
    table = discs()
    image = classed(table, range(1, 11))
    odd = {**image.assigned, 40: Assigned(number=7)}
    third = CellClass(id=7, name="odd", colour="#009e73")
    trained = train_classifier(
        [replace(image, assigned=odd)], (*CLASSES, third), Checkpoint()
    )
    assert trained.record.left_out == ("odd",)
    assert [one.name for one in trained.record.classes] == ["small", "large"]


def test_only_cells_classed_by_hand_that_are_there_are_learned_from():
    table = discs()
    image = classed(table, range(1, 11))
    more = {
        **image.assigned,
        20: Assigned(number=9, probability=0.9, classifier=1),
        999: Assigned(number=4),
    }
    trained = train_classifier([replace(image, assigned=more)], CLASSES, Checkpoint())
    assert trained.record.examples == 10


def test_it_is_validated_by_image_where_several_have_examples():
    images = [classed(discs(n), range(1, 9), f"{n}.tif") for n in range(3)]
    record = train_classifier(images, CLASSES, Checkpoint()).record
    assert record.by_image
    assert record.folds == 3
    assert record.images == ("0.tif", "1.tif", "2.tif")
    assert "by image" in record.validation_text


def test_an_image_without_a_channel_that_it_uses_is_refused():
    trained = train_classifier([classed(discs(), range(1, 11))], CLASSES, Checkpoint())
    with pytest.raises(FeaturesMissing, match="mean_DNA"):
        trained.classify(discs(channel="GFP"), "b.tif", 1)


def test_nuclei_of_real_images_are_classed_by_their_shape(shared_data):
    """Of true masks, those that are long are told from round ones by few clicks."""
    tables = []
    folder = shared_data / "2d_nuclei_fluo"
    for path in sorted(folder.glob("*_masks.tif"))[:3]:
        image = path.with_name(path.name.replace("_masks", ""))
        [item] = items_of_file(ImageFiles(image=image, masks=(path,)))
        tables.append(measure_image(item, WhatToMeasure(), Checkpoint())[0])
    images, truth = [], []
    for n, table in enumerate(tables):
        long = table.values["eccentricity"] > 0.7
        truth.append(
            {c: 9 if one else 4 for c, one in zip(table.ids, long, strict=True)}
        )
        chosen = [*table.ids[long][:8], *table.ids[~long][:8]]
        by_hand = {int(c): Assigned(number=truth[n][c]) for c in chosen}
        images.append(ClassedImage(name=f"{n}", table=table, assigned=by_hand))
    trained = train_classifier(images, CLASSES, Checkpoint())
    assert trained.record.accuracy > 0.8
    right = [
        truth[n][cell] == one.number
        for n, table in enumerate(tables)
        for cell, one in trained.classify(table, "", 1).items()
    ]
    assert len(right) == sum(map(len, tables))
    assert np.mean(right) > 0.85
    assert dict(trained.record.top_features).keys() & {"eccentricity", "roundness"}
