"""The progress bar, on a terminal and without one."""

from __future__ import annotations

import os
import select
import sys
import time

import pytest

from cellpose_studio.cli.output.progress import Progress

pty = pytest.importorskip("pty", reason="Windows has other terminals")
termios = pytest.importorskip("termios")


def test_a_terminal_shows_what_is_being_done(monkeypatch):
    """A pseudo-terminal takes the place of the user's."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    with os.fdopen(terminal, "w") as screen:
        monkeypatch.setattr(sys, "stderr", screen)
        with Progress() as progress:
            progress.report(0, 4, "1 of 2, a.tif: tile")
            progress.report(3, 4, "1 of 2, a.tif: tile")
            progress.report(1, 2, "1 of 2, a.tif: masks")
        screen.flush()
        shown = b""
        while select.select([controller], [], [], 0.2)[0]:
            shown += os.read(controller, 65536)
    os.close(controller)
    text = shown.decode()
    assert "1 of 2, a.tif: tile:   0%" in text
    assert "0/4" in text
    assert "1 of 2, a.tif: masks:" in text
    # The bar is gone at the end.
    assert text.rsplit("\r", 2)[-2].strip() == ""


def test_without_a_terminal_there_is_no_bar(capsys):
    with Progress() as progress:
        progress.report(1, 2, "tile")
        progress.print_line("a.tif: 4 cells")
        progress.report(2, 2, "tile")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("a.tif: 4 cells\n", "")


def test_a_log_says_what_begins_and_how_far_it_is(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Progress() as progress:
        progress.begin("1 of 2, a.tif")
        for n in range(4):
            now[0] += 25
            progress.report(n, 4, "1 of 2, a.tif: tile")
    assert capsys.readouterr().err.splitlines() == [
        "1 of 2, a.tif: started",
        "1 of 2, a.tif: tile 2 of 4",
    ]
