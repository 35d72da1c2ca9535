"""A second start hands its files to the window that is open."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
import qtpy
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import QCoreApplication, Qt
from qtpy.QtWidgets import QDialog, QWidget

from cellpose_studio.ui.window.launch.hand_over import (
    GREETING,
    MOST_BYTES,
    MOST_PATHS,
    Result,
    address,
    decode,
    encode,
    hand_over,
    listens,
)
from cellpose_studio.ui.window.launch.identity import Application
from cellpose_studio.ui.window.launch.incoming import Incoming
from tests.ui.window.launch.file_open_event import file_open_event
from tests.waiting import ended

FILES = [Path("/a b/é.tif"), Path(os.fsdecode(b"/not \xff text"))]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets of Unix")


class Starter(threading.Thread):
    """A second start, beside the event loop of the first one."""

    def __init__(self, paths: list[Path], where: str, patience: float = 60) -> None:
        super().__init__(daemon=True)
        self._arguments = paths, where, patience
        self.result: Result | None = None
        self.start()

    def run(self) -> None:
        self.result = hand_over(*self._arguments)


@pytest.fixture
def where(tmp_path):
    return str(tmp_path / "socket")


@pytest.fixture
def incoming(qapp):
    made = Incoming(qapp)
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def window(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


# The message


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1)))
def test_paths_survive_the_message(names):
    paths = [Path("/folder") / name.lstrip("/") for name in names]
    assert decode(encode(paths)) == paths


def test_a_name_that_is_no_valid_text_survives_the_message():
    assert decode(encode(FILES)) == FILES


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"/a"',
        b"{}",
        b'{"paths": "/a"}',
        b'{"paths": {"/a": 1}}',
        b'{"paths": [1]}',
        b'{"paths": [null]}',
        b'{"paths": [["/a"]]}',
        b'{"paths": [""]}',
        b'{"paths": ["a.tif"]}',
        b'{"paths": ["../a.tif"]}',
        b'{"paths": ["/a\\u0000b"]}',
        b'{"paths": [], "run": "rm"}',
        b"[" * 100_000,
        json.dumps({"paths": ["/a"] * (MOST_PATHS + 1)}).encode(),
        json.dumps({"paths": ["/" + "a" * MOST_BYTES]}).encode(),
    ],
    ids=lambda message: message[:30],
)
def test_anything_but_a_list_of_absolute_paths_is_refused(message):
    with pytest.raises(ValueError):
        decode(message)


@given(st.binary(max_size=200))
def test_no_message_leads_to_another_error(message):
    with suppress(ValueError):
        decode(message)


def test_too_many_files_for_a_message_are_opened_by_the_second_start(where):
    assert hand_over([Path("/a")] * (MOST_PATHS + 1), where) == Result.BUSY


# Where it is sent


def test_each_folder_and_display_has_a_window_of_its_own(monkeypatch, tmp_path):
    found = {address(), address()}
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path / "stick"))
    found.add(address())
    monkeypatch.setenv("DISPLAY", ":77")
    found.add(address())
    assert len(found) == 3
    # Longer ones are refused by the system.
    assert all(len(each) < 100 for each in found)


def test_nobody_listens_where_there_is_nothing(where):
    assert hand_over(FILES, where) == Result.NOBODY
    assert not listens(where)


def test_a_socket_that_a_crash_left_is_replaced(incoming, where):
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(where)
    assert Path(where).exists()
    assert hand_over(FILES, where) == Result.NOBODY
    assert incoming.listen(where)
    assert listens(where)


def test_a_file_that_is_no_socket_is_not_connected_to(where):
    Path(where).write_bytes(b"")
    assert hand_over(FILES, where) == Result.NOBODY


def test_somebody_elses_socket_is_not_connected_to(incoming, where, monkeypatch):
    assert incoming.listen(where)
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    assert hand_over(FILES, where) == Result.NOBODY


def test_only_the_user_may_connect(incoming, where):
    assert incoming.listen(where)
    assert Path(where).stat().st_mode & 0o077 == 0


def test_a_second_window_does_not_take_the_place_of_the_first(qapp, incoming, where):
    assert incoming.listen(where)
    second = Incoming(qapp)
    assert not second.listen(where)
    second.close()
    assert listens(where)


def test_a_window_that_is_closed_leaves_nothing(incoming, where):
    incoming.listen(where)
    incoming.close()
    assert not Path(where).exists()


# What becomes of it


def test_files_are_opened_and_the_window_comes_back(incoming, window, where, qtbot):
    opened = []
    incoming.listen(where)
    incoming.deliver_to(window, opened.extend)
    window.showMinimized()
    start = Starter(FILES, where)
    qtbot.waitUntil(lambda: opened == FILES)
    start.join()
    assert start.result == Result.OPENED
    assert not window.windowState() & Qt.WindowState.WindowMinimized
    assert window.isVisible()


def test_without_files_the_window_comes_back_and_opens_nothing(
    incoming, window, where, qtbot
):
    calls = []
    incoming.listen(where)
    incoming.deliver_to(window, calls.append)
    window.showMinimized()
    start = Starter([], where)
    minimised = Qt.WindowState.WindowMinimized
    qtbot.waitUntil(lambda: not window.windowState() & minimised)
    start.join()
    assert start.result == Result.OPENED
    assert calls == []


def test_files_that_come_before_the_window_wait_for_it(incoming, window, where, qtbot):
    opened = []
    incoming.listen(where)
    start = Starter(FILES, where)
    qtbot.waitUntil(lambda: not start.is_alive())
    assert start.result == Result.OPENED
    incoming.deliver_to(window, opened.extend)
    qtbot.waitUntil(lambda: opened == FILES)


def test_files_that_come_during_a_dialog_wait_for_its_end(incoming, window, qtbot):
    opened = []
    incoming.deliver_to(window, opened.extend)
    dialog = QDialog(window)
    dialog.setModal(True)
    dialog.show()
    incoming.take(FILES)
    qtbot.wait(500)
    assert opened == []
    dialog.close()
    qtbot.waitUntil(lambda: opened == FILES)


def test_a_window_that_does_not_answer_is_given_up_and_opens_nothing(
    incoming, window, where, qtbot
):
    opened = []
    incoming.deliver_to(window, opened.extend)
    incoming.listen(where)
    # Without the event loop, it is as busy as can be.
    assert ended(lambda: hand_over(FILES, where, patience=0.3)) == Result.BUSY
    qtbot.wait(200)
    assert opened == []


def test_a_window_that_is_being_closed_is_asked_nothing(incoming, window, where, qtbot):
    opened = []
    incoming.deliver_to(window, opened.extend)
    incoming.listen(where)
    window.hide()
    start = Starter(FILES, where)
    qtbot.waitUntil(lambda: not start.is_alive())
    assert start.result == Result.NOBODY
    assert opened == []


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\n", b'{"paths": ["a"]}\n', b"x" * (MOST_BYTES + 10), b"\0\n"],
    ids=["text", "relative", "long", "binary"],
)
def test_a_program_that_sends_something_else_is_refused(
    incoming, window, where, qtbot, sent
):
    opened, ended = [], []
    incoming.deliver_to(window, opened.extend)
    incoming.listen(where)

    def intrude() -> None:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect(where)
            assert channel.recv(100) == GREETING
            try:
                channel.sendall(sent)
                ended.append(channel.recv(100))
            # The other side has closed it before all was sent.
            except OSError:
                ended.append(b"")

    threading.Thread(target=intrude, daemon=True).start()
    qtbot.waitUntil(lambda: ended == [b""])
    assert opened == []


# The desktop


@pytest.mark.skipif(qtpy.API != "pyqt5", reason="the event is made for PyQt5")
def test_files_that_macos_sends_one_by_one_are_opened_together(window, qtbot):
    calls = []
    # The application of the tests is another one.
    sent = QCoreApplication.instance()
    incoming = Incoming(sent)
    incoming.deliver_to(window, calls.append)
    for file in ("/a b/é.tif", "/c.cpstudio"):
        QCoreApplication.postEvent(sent, file_open_event(file))
    qtbot.waitUntil(lambda: bool(calls))
    assert isinstance(sent, Application)
    assert calls == [[Path("/a b/é.tif"), Path("/c.cpstudio")]]


# Two processes


# The first window may be busy for as long as it likes, which is tested above.
PATIENT = """
import sys
from cellpose_studio.ui.window.launch import hand_over
hand_over.hand_over.__defaults__ = (120.0,)
from cellpose_studio.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def started(*arguments: object, home: Path, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PATIENT, *map(str, arguments)],
        env=os.environ
        | {
            "CELLPOSE_STUDIO_HOME": str(home),
            "PYTHONPATH": str(Path(__file__).parents[4]),
        },
        cwd=cwd,
        text=True,
        stderr=subprocess.PIPE,
    )


def images_in(home: Path) -> set[str]:
    """Return the names of the images in all projects without a name."""
    found = set()
    for file in (home / "data" / "projects").glob("*.cpstudio"):
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db,
        ):
            found |= {
                Path(path).name for (path,) in db.execute("SELECT path FROM image")
            }
    return found


@pytest.mark.slow
def test_a_second_start_opens_its_files_in_the_first_window(
    cells, tmp_path, monkeypatch
):
    home = tmp_path / "home"
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(home))
    cells("first.tif")
    cells("second.tif")
    # Relative, to the folder of the second start.
    processes = [started("first.tif", home=home, cwd=tmp_path)]
    deadline = time.monotonic() + 120

    def wait_for(condition: Callable[[], bool]) -> None:
        while not condition():
            assert processes[0].poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)

    try:
        wait_for(lambda: "first.tif" in images_in(home))
        wait_for(lambda: listens(address()))
        processes.append(started("second.tif", home=home, cwd=tmp_path))
        _, said = processes[1].communicate(timeout=300)
        assert (processes[1].returncode, said) == (0, "")
        wait_for(lambda: "second.tif" in images_in(home))
        assert len(list((home / "data" / "projects").glob("*.cpstudio"))) == 1
    finally:
        for process in processes:
            process.kill()
            process.communicate()
