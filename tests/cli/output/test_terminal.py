"""What a command does when its terminal is gone, full, or asks for the end."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cellpose_studio.cli.main import run
from cellpose_studio.cli.output.terminal import Output, ending_signals
from cellpose_studio.workflows.batches.batch import Batch

posix = pytest.mark.skipif(os.name == "nt", reason="needs streams and signals of POSIX")


@pytest.fixture
def broken_pipe():
    """Return a stream whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        yield stream


@pytest.fixture
def full():
    """Return a stream to a device that is always full."""
    with Path("/dev/full").open("w") as stream:
        yield stream


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@posix
@pytest.mark.parametrize("which", ["stdout", "stderr"])
@pytest.mark.parametrize("kind", ["broken pipe", "full", "closed", "none"])
def test_the_files_of_images_are_written_whatever_happens_to_the_streams(
    cells, tmp_path, monkeypatch, broken_pipe, full, which, kind
):
    streams = {"broken pipe": broken_pipe, "full": full, "closed": closed()}
    monkeypatch.setattr(sys, which, streams.get(kind))
    paths = [cells(f"{name}.tif", (64, 64)) for name in "ab"]
    gone = tmp_path / "gone.tif"
    assert run(["segment", *map(str, paths), str(gone)]) == 1
    assert (tmp_path / "a_cp_masks.tif").is_file()
    assert (tmp_path / "b_cp_masks.tif").is_file()
    assert run(["segment", *map(str, paths), "--overwrite"]) == 0


@posix
def test_what_is_only_printed_is_not_done_on_a_full_device(monkeypatch, full):
    monkeypatch.setattr(sys, "stdout", full)
    assert run(["models"]) == 2


@posix
def test_a_reader_that_had_enough_is_no_failure(monkeypatch, broken_pipe):
    monkeypatch.setattr(sys, "stdout", broken_pipe)
    assert run(["models"]) == 0


@posix
def test_the_program_ends_quietly_without_its_streams():
    program = f"{sys.executable} -m cellpose_studio models"
    for redirected, code in ((">&- 2>&-", 2), ("> /dev/full", 2), ("| true", 0)):
        done = subprocess.run(
            ["sh", "-c", f"{program} {redirected}"], capture_output=True, text=True
        )
        assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_a_stream_says_what_was_lost_and_passes_everything_else_on():
    stream = io.StringIO()
    output = Output(stream)
    output.write("a")
    assert (stream.getvalue(), output.lost, output.isatty()) == ("a", False, False)
    stream.close()
    assert output.write("bc") == 2
    assert output.lost


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_a_command_as_ctrl_c_does(
    cells, tmp_path, capsys, monkeypatch, name
):
    number = getattr(signal, name)
    before = signal.getsignal(number)

    def stopped(batch, image, checkpoint):
        with tmp_path.joinpath("unfinished").open("w"):
            try:
                os.kill(os.getpid(), number)
            finally:
                tmp_path.joinpath("unfinished").unlink()

    monkeypatch.setattr(Batch, "run", stopped)
    path = cells("a.tif", (64, 64))
    assert run(["segment", str(path)]) == 128 + number
    assert capsys.readouterr().err == "a.tif: started\ncellpose-studio: stopped\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]
    assert signal.getsignal(number) == before


@posix
def test_a_command_that_was_told_to_survive_its_terminal_does(monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
