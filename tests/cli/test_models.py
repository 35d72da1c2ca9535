"""``cellpose-studio models``: the list and the cards."""

from __future__ import annotations

import shutil

import pytest

from cellpose_studio.cli.main import run
from cellpose_studio.engine.networks.catalogue import shipped


def test_all_models_are_listed(capsys):
    assert run(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [spec.name for spec in shipped()]


@pytest.mark.parametrize("spec", shipped(), ids=lambda spec: spec.name)
def test_a_card_is_shown(spec, capsys):
    assert run(["models", spec.name]) == 0
    said = capsys.readouterr().out
    for part in (spec.label, spec.card.purpose, spec.card.command, spec.sha256):
        assert part in said
    for row in spec.card.accuracy:
        assert f"{row.ap50:.3f} / {row.ap75:.3f}" in said
    for row in spec.card.data:
        assert row.licence in said


def test_a_file_without_a_card_is_shown_too(tmp_path, capsys):
    alone = shutil.copyfile(shipped()[0].path, tmp_path / "alone")
    assert run(["models", str(alone)]) == 0
    assert (
        "Without a card, its purpose, training data and accuracy are unknown."
        in capsys.readouterr().out
    )


def test_an_unknown_model_is_refused(capsys):
    assert run(["models", "cyto9"]) == 2
    assert "There is no model cyto9." in capsys.readouterr().err
