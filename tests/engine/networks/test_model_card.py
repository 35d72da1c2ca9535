"""Cards beside weight files."""

from __future__ import annotations

import json
import platform

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellpose_studio.core.models.card import Accuracy, ModelCard, TrainingData
from cellpose_studio.engine.networks.catalogue import from_file
from cellpose_studio.engine.networks.model_card import (
    card_path,
    card_text,
    machine,
    with_card,
)
from cellpose_studio.engine.networks.weights import inspect
from cellpose_studio.engine.versions import versions

CARD = ModelCard(
    purpose="yeast",
    not_for="anything else",
    data=(TrainingData(name="folder", images=3, cells=40, licence="CC0-1.0"),),
    command="cellpose-studio train folder --out mine",
    seed=4,
    minutes=3.5,
    machine="Linux",
    versions={"torch": "2.13.0"},
    date="2026-11-24",
    accuracy=(
        Accuracy(
            kind="yeast",
            images=2,
            ap50=0.9,
            ap75=0.6,
            ap90=0.3,
            worst=0.8,
            best=1.0,
            diameter_error=0.05,
            seeds=(0.9, 0.88),
        ),
    ),
)


@pytest.fixture
def carded(unet_file):
    """The specification of a weight file with a card beside it."""
    words = {"title": "Yeast", "description": "Finds yeast.", "licence": "MIT"}
    spec = inspect(unet_file).model_copy(update={**words, "card": CARD})
    card_path(unet_file).write_text(card_text(spec), encoding="utf-8")
    return spec


def test_a_card_is_read_as_it_was_written(carded):
    read = from_file(carded.path)
    assert read == carded
    assert read.card == CARD
    assert read.label == "Yeast"


def test_a_file_without_a_card_is_a_model_all_the_same(unet_file):
    assert from_file(unet_file) == inspect(unet_file)


def test_a_card_names_no_place_on_a_computer(carded):
    assert str(carded.path.parent) not in card_path(carded.path).read_text()


def test_the_card_of_other_weights_says_nothing(carded):
    facts = json.loads(card_path(carded.path).read_text())
    card_path(carded.path).write_text(json.dumps(facts | {"sha256": "0" * 64}))
    assert from_file(carded.path) == inspect(carded.path)


def test_a_card_cannot_say_what_a_network_is(carded):
    facts = json.loads(card_path(carded.path).read_text())
    lies = {"diam_mean": 99.0, "architecture": "sam", "input_channels": 7}
    card_path(carded.path).write_text(json.dumps(facts | lies))
    assert from_file(carded.path) == carded


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_card_is_left_aside(carded, data):
    text = card_text(carded)
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:at] + data.draw(st.text(max_size=3)) + text[at + 1 :]
    card_path(carded.path).write_text(damaged, encoding="utf-8", errors="replace")
    read = with_card(inspect(carded.path))
    assert read.sha256 == carded.sha256
    assert read.diam_mean == carded.diam_mean


def test_versions_and_machine_are_those_of_this_python():
    assert versions()["torch"] == torch.__version__
    assert versions()["python"] == platform.python_version()
    assert platform.machine() in machine()
    assert "thread" in machine()


# Masks follow from the weights alone, so a model works without its card; a shipped
# model, whose card says what its network sees, is refused (test_catalogue.py).
@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, '{"a":' * 100_000, "{", "[1]", " " * (1 << 24) + "{}", "\0"],
    ids=["deep list", "deep object", "cut off", "list", "huge", "binary"],
)
def test_a_card_that_cannot_be_read_is_said_and_the_model_works(carded, text):
    card_path(carded.path).write_text(text, encoding="utf-8")
    read = from_file(carded.path)
    assert read.description == "little.json beside it is not a readable card."
    assert (read.card, read.sha256) == (None, carded.sha256)
    assert read.card_problem == (
        "little.json beside the model little is not a readable card, so its purpose "
        "and accuracy are unknown. Masks do not depend on it."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x" * 100_000},
        {"description": "\ud800"},
        {"card": {"minutes": float("nan")}},
        {"card": {"minutes": 1e300}},
        {"card": {"data": [{"name": "a", "images": -1, "cells": 1}]}},
        {"card": {"data": [{"name": "a", "images": 10**400, "cells": 1}]}},
        {"card": []},
    ],
    ids=["long", "no text", "nan", "minutes", "negative", "many", "list"],
)
def test_a_card_of_absurd_values_is_not_readable(carded, change):
    facts = json.loads(card_path(carded.path).read_text())
    card_path(carded.path).write_text(json.dumps(facts | change))
    read = from_file(carded.path)
    assert "is not a readable card" in read.card_problem
    assert (read.card, read.title) == (None, "")


def test_a_problem_of_a_card_is_not_written_into_the_next_card(carded):
    spec = carded.model_copy(update={"card_problem": "It is damaged."})
    assert "damaged" not in card_text(spec)
