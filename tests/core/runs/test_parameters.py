"""Names, defaults and limits of the parameters, against Cellpose's own."""

from __future__ import annotations

import inspect
from itertools import chain

import pytest
from pydantic import ValidationError

from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.engine.torchvision_ops import make_importable

make_importable()

OURS_ALONE = {"channels", "normalization", "region", "exclude_on_edges"}
"""Fields that ``CellposeModel.eval`` has no argument for; the last is of its CLI."""


def defaults(function) -> dict[str, object]:
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
    }


def test_names_and_defaults_are_those_of_cellposes_eval():
    from cellpose.models import CellposeModel

    cellposes = defaults(CellposeModel.eval)
    ours = SegmentationParameters().model_dump(exclude=OURS_ALONE)
    assert ours == {name: cellposes[name] for name in ours}


def test_names_and_defaults_of_normalisation_are_cellposes():
    from cellpose.models import normalize_default
    from cellpose.transforms import normalize_img

    ours = Normalization().model_dump()
    known = {**defaults(normalize_img), **normalize_default, "percentile": (1.0, 99.0)}
    assert ours == {name: known[name] for name in ours}


def test_names_of_training_are_those_of_cellposes():
    from cellpose.train import train_seg

    own = {"diam_mean", "widths", "seed", "shares", "anneal"}
    # How a crop is varied beyond Cellpose's rotation and scale.
    own |= {"zoom", "shading", "blur", "noise", "invert", "mix_channels", "stains"}
    # What is trained of a model, and which epoch is kept.
    own |= {"channel", "layers", "freeze_norm", "validate_every", "patience"}
    own |= {"best_of_last", "parent_share"}
    assert TrainingParameters.model_fields.keys() - own <= defaults(train_seg).keys()
    assert (
        TrainingParameters().min_train_masks == defaults(train_seg)["min_train_masks"]
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"diameter": 0},
        {"diameter": -30},
        {"diameter": float("nan")},
        {"flow_threshold": -0.1},
        {"stitch_threshold": 1.1},
        {"anisotropy": 0},
        {"niter": 0},
        {"batch_size": 0},
        {"min_size": -2},
        {"max_size_fraction": 0},
        {"tile_overlap": 0.6},
        {"channels": ("red",)},
        {"flow_treshold": 0.4},
        {"normalization": {"percentile": (99, 1)}},
        {"normalization": {"percentile": (1, 101)}},
        {"normalization": {"percentile": (50, 50)}},
        {"normalization": {"normalize": False, "invert": True}},
        {"normalization": {"sharpen_radius": -1}},
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValidationError):
        SegmentationParameters.model_validate(bad)


@pytest.mark.parametrize(
    "bad",
    [{"n_epochs": 0}, {"bsize": 100}, {"widths": (2,)}, {"learning_rate": 0}],
    ids=str,
)
def test_training_that_makes_no_sense_is_refused(bad):
    with pytest.raises(ValidationError):
        TrainingParameters.model_validate(bad)


def test_parameters_survive_being_written_down():
    parameters = SegmentationParameters(
        channels=(2, None),
        diameter=31.5,
        stitch_threshold=0.25,
        normalization=Normalization(percentile=(0.5, 99.5), invert=True),
    )
    again = SegmentationParameters.model_validate_json(parameters.model_dump_json())
    assert again == parameters


def test_parameters_cannot_be_changed_behind_a_runs_back():
    parameters = SegmentationParameters()
    with pytest.raises(ValidationError):
        parameters.diameter = 3.0
    with pytest.raises(ValidationError):
        parameters.normalization.invert = True


FIELDS = [
    pytest.param(field, id=name)
    for name, field in chain(
        SegmentationParameters.model_fields.items(), Normalization.model_fields.items()
    )
    if name != "normalization"
]


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_can_be_explained_to_a_biologist(field):
    assert field.title
    assert field.title[0].isupper()
    assert field.description.endswith(".")
    assert field.json_schema_extra["group"] in {
        "main",
        "channels",
        "result",
        "stack",
        "normalisation",
        "advanced",
        "preparation",
        "region",
    }
