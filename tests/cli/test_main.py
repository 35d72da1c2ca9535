"""Commands as a whole: their exit codes, and what they say at the end."""

from __future__ import annotations

import io
import sys

import pytest

from cellpose_studio.cli.commands import COMMANDS, is_headless
from cellpose_studio.cli.main import parser, run
from cellpose_studio.core.checkpoint import Cancelled
from cellpose_studio.workflows.batches.batch import Batch


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Cancelled()], ids=repr)
def test_a_stop_lists_what_had_failed_before(
    cells, tmp_path, capsys, monkeypatch, error
):
    def stopped(*_):
        raise error

    monkeypatch.setattr(Batch, "run", stopped)
    gone, path = tmp_path / "gone.tif", cells("a.tif")
    assert run(["segment", str(gone), str(path)]) == 130
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["2 of 2, a.tif: started", "0 done, 1 failed:"]
    assert "gone.tif" in lines[2]
    assert lines[3] == "cellpose-studio: stopped"


def test_what_nobody_expected_has_its_exit_code_and_its_details(
    cells, capsys, monkeypatch
):
    def fail(*_):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(Batch, "__init__", fail)
    assert run(["segment", str(cells("a.tif"))]) == 2
    errors = capsys.readouterr().err
    assert "Traceback" in errors
    assert "unexpected went wrong: RuntimeError: out of luck" in errors


def test_a_name_that_the_terminal_has_no_letters_for_is_no_failure(
    cells, tmp_path, monkeypatch
):
    written = io.BytesIO()
    stdout = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    assert run(["segment", str(cells("細胞 é.tif", (64, 64)))]) == 0
    stdout.flush()
    assert b"\\u7d30\\u80de \\xe9.tif: 4 cells" in written.getvalue()
    assert (tmp_path / "細胞 é_cp_masks.tif").is_file()


def test_every_command_of_the_table_is_in_the_help(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    for command in COMMANDS:
        assert f"{command.name} {command.help}" in text
        assert is_headless(command.name)
    assert not is_headless("a.tif")
