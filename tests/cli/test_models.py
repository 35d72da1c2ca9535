"""``cellpose-studio models``: the list and the cards."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from cellpose_studio.cli.main import run
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import save_weights
from cellpose_studio.paths import trained_folder
from tests.io.support.downloads.file_servers import FileServer, server


def test_all_models_are_listed(capsys):
    assert run(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [spec.name for spec in shipped()]


def test_a_model_of_the_window_is_found_by_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path))
    weights = shipped()[0].path
    own = trained_folder() / "mine"
    own.parent.mkdir(parents=True)
    shutil.copyfile(weights, own)
    card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    card |= {"title": "Mine", "command": ""}
    own.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    # Without its weights, a card is no model.
    (own.parent / "lost.json").write_text("{}")
    assert run(["models"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[0] == "mine"
    assert run(["models", "mine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"SHA-256: {shipped()[0].sha256}"
    assert "By: " not in lines
    assert run(["models", "other"]) == 2
    assert "mine; or give the path" in capsys.readouterr().err


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


@pytest.fixture
def cyto3(tmp_path, monkeypatch):
    """A server of weights that the test makes, and an empty folder for them."""
    weights = tmp_path / "served"
    save_weights(UNet((2, 4, 8)), weights)
    files = FileServer({"cyto3": weights.read_bytes(), "size_cyto3.npy": b"size"})
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path / "models"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with server(files) as (address, _):
        monkeypatch.setenv("CELLPOSE_STUDIO_MODELS_URL", address)
        yield tmp_path / "models" / "cyto3"


def test_published_models_are_listed_with_the_installed_ones_marked(cyto3, capsys):
    assert run(["models", "--available"]) == 0
    before = capsys.readouterr().out
    assert "  cyto3 " in before
    assert "cpsam_v2" in before
    assert "1.2 GB" in before
    run(["models", "get", "cyto3", "--accept-licence"])
    capsys.readouterr()
    run(["models", "--available"])
    assert "\n* cyto3 " in capsys.readouterr().out


def test_a_model_for_non_commercial_use_is_downloaded_on_agreement(cyto3, capsys):
    assert run(["models", "get", "cyto3"]) == 2
    said = capsys.readouterr().err
    assert "for non-commercial use only" in said
    assert "--accept-licence" in said
    assert not cyto3.exists()
    assert run(["models", "get", "cyto3", "--accept-licence"]) == 0
    assert capsys.readouterr().out == f"cyto3: {cyto3}\n"
    assert run(["models", "cyto3"]) == 0
    assert "for non-commercial use only" in capsys.readouterr().out


def test_a_changed_file_is_found(cyto3, capsys):
    assert run(["models", "check"]) == 0
    assert "No model of Cellpose is installed." in capsys.readouterr().out
    run(["models", "get", "cyto3", "--accept-licence"])
    assert run(["models", "check"]) == 0
    assert "cyto3: as downloaded first" in capsys.readouterr().out
    cyto3.write_bytes(b"changed")
    assert run(["models", "check", "cyto3"]) == 2
    said = capsys.readouterr()
    assert "cyto3: changed" in said.out
    assert "not the file that is known" in said.err


def test_one_failure_does_not_keep_others_from_being_downloaded(cyto3, capsys):
    code = run(["models", "get", "CPx", "cyto3", "--accept-licence"])
    assert code == 1
    assert "127.0.0.1 has no file CPx." in capsys.readouterr().err
    assert cyto3.exists()


@pytest.mark.parametrize(
    "words", [["get"], ["get", "cyto9"], ["check", "cyto9"], ["cyto3", "cyto2"]]
)
def test_wrong_words_are_refused(cyto3, capsys, words):
    try:
        code = run(["models", *words])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert capsys.readouterr().err


def test_lists_need_neither_torch_nor_napari_nor_qt(cyto3):
    code = (
        "import sys; from cellpose_studio.cli.main import run; "
        "run(['models', '--available']); run(['models', 'check']); run(['models']); "
        "heavy = {'torch', 'napari', 'qtpy', 'PyQt5', 'PyQt6', 'cellpose'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
