"""Steps of the preparation as text, in records, and in records without any."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.models.published import DATA_FILE, parse_published
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.preparation.background import SubtractBackground
from cellpose_studio.core.runs.preparation.merge import Merge
from cellpose_studio.core.runs.preparation.restore import NETWORKS, Restore
from cellpose_studio.core.runs.preparation.stain import STAINS, SeparateStain
from cellpose_studio.core.runs.preparation.steps import (
    STEP_KINDS,
    from_text,
    names_after,
)
from cellpose_studio.paths import resource

WEIGHTS = st.floats(-1000, 1000, allow_nan=False)
MERGES = st.lists(st.integers(1, 9), min_size=1, unique=True).flatmap(
    lambda channels: st.builds(
        Merge,
        channels=st.just(tuple(channels)),
        weights=st.just(()) | st.tuples(*[WEIGHTS] * len(channels)),
        how=st.sampled_from(["sum", "maximum"]),
    )
)
BACKGROUNDS = st.builds(
    SubtractBackground,
    method=st.sampled_from(["rolling-ball", "white-top-hat", "gaussian"]),
    radius=st.integers(1, 500),
    channel=st.none() | st.integers(1, 5),
)
RESTORED = st.builds(
    Restore,
    model=st.sampled_from(NETWORKS),
    diameter=st.none() | st.floats(0.1, 5000),
    channel=st.none() | st.integers(1, 5),
    sha256=st.just("") | st.just("0a" * 32),
)
STAINED = st.builds(SeparateStain, stain=st.sampled_from([*STAINS]))


@given(MERGES | BACKGROUNDS | STAINED | RESTORED)
def test_a_step_comes_back_from_its_text_and_from_json(step):
    assert from_text(step.text) == step
    parameters = SegmentationParameters(preparation=(step,))
    found = SegmentationParameters.model_validate_json(parameters.model_dump_json())
    assert found == parameters
    assert SegmentationParameters(**parameters.model_dump()) == parameters


def test_text_has_only_what_is_no_default():
    assert SubtractBackground().text == "background"
    assert SubtractBackground(radius=30).text == "background:radius=30"
    step = Merge(channels=(3, 1), weights=(1, -0.5))
    assert step.text == "merge:channels=3+1,weights=1+-0.5"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("blur", "'blur' is no step: give one of merge, background, stain, restore"),
        ("", "is no step"),
        ("background:radius", "'radius' says nothing about background"),
        ("background:size=3", "give method=…, radius=…, channel=…"),
        ("background:radius=0", "radius: "),
        ("background:radius=x", "radius: "),
        ("merge:channels=1+1", "once only"),
        ("merge:channels=1+2,weights=3", "one weight"),
        ("merge:channels=0", "channels: "),
        ("stain:stain=ink", "stain: "),
        ("stain:kind=merge", "says nothing"),
        ("restore:model=upsample_cyto3", "model: "),
        ("restore:diameter=0", "diameter: "),
        ("restore:sha256=ab", "sha256: "),
    ],
)
def test_a_wrong_text_is_explained(text, said):
    with pytest.raises(ValueError, match=r".") as error:
        from_text(text)
    assert said in str(error.value)


def test_parameters_without_steps_are_written_as_ever():
    plain = SegmentationParameters()
    assert "preparation" not in plain.model_dump()
    assert "preparation" not in json.loads(plain.model_dump_json())
    assert "preparation" not in plain.model_dump(include={"preparation", "niter"})
    assert SegmentationParameters.model_validate(plain.model_dump()) == plain


def test_channels_that_are_added_have_names_of_their_own():
    steps = (
        SeparateStain(),
        SubtractBackground(),
        Merge(channels=(1, 4), how="maximum"),
        SeparateStain(),
    )
    assert names_after(("R", "G", "B"), steps) == (
        *"RGB",
        "Haematoxylin",
        "merged: R or Haematoxylin",
        "Haematoxylin 2",
    )


def test_every_kind_has_its_phrase():
    for kind, info in STEP_KINDS.items():
        step = info.model(kind=kind)
        assert step.kind == kind
        assert " was " in step.phrase or " were " in step.phrase
        assert all(paper.full for paper in step.papers)


def test_the_networks_that_restore_are_published_with_the_width_that_they_know():
    published = parse_published(resource(DATA_FILE).read_text(encoding="utf-8"))
    known = {model.name: model for model in published}
    for name in NETWORKS:
        assert known[name].kind == "restoration"
        assert Restore(model=name, diameter=1.0).scale == known[name].diam_mean
