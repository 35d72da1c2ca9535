"""The dialog that asks for a newer version, against a real server on loopback."""

from __future__ import annotations

import threading

import pytest
from qtpy.QtWidgets import QWidget

from cellpose_studio.ui.window.help.updates import UpdateDialog
from tests.io.support.servers import releases, send, server


@pytest.fixture
def show(qtbot, monkeypatch):
    """Return a function that shows the dialog."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    parent = QWidget()
    qtbot.addWidget(parent)

    def show(source, installed="1.0"):
        dialog = UpdateDialog(parent, source, installed)
        dialog.show()
        return dialog

    yield show
    for dialog in parent.findChildren(UpdateDialog):
        dialog.close()


def waited(qtbot, dialog):
    qtbot.waitUntil(lambda: not dialog.progress.isVisible())
    return dialog.message.text()


def test_it_says_whom_it_asks_and_asks_nobody_before(show, qtbot, monkeypatch):
    with server(lambda handler: send(handler, releases("1.0", "2.0"))) as found:
        address, asked = found
        dialog = show(address)
        assert "connects to 127.0.0.1. Nothing is sent but" in dialog.message.text()
        qtbot.wait(100)
        assert asked == []
        assert not dialog.page.isVisible()
        dialog.ask.click()
        assert waited(qtbot, dialog).startswith(
            "Version 2.0 is available; you have 1.0."
        )
        assert len(asked) == 1
        assert dialog.page.isVisible()
        assert dialog.page.toolTip() == f"{address}/project/cellpose-studio/"
        monkeypatch.setenv("http_proxy", "http://me:secret@proxy.example:3128")
        text = show(address).message.text()
        assert "connects to 127.0.0.1 through the proxy proxy.example:3128." in text


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ("2.0", "You have the newest version, 2.0."),
        ("3.0", "Your version 3.0 is newer than the newest one on offer, 2.0."),
    ],
)
def test_without_a_newer_version_there_is_nothing_to_open(show, qtbot, installed, said):
    with server(lambda handler: send(handler, releases("2.0"))) as (address, _):
        dialog = show(address, installed)
        dialog.ask.click()
        assert waited(qtbot, dialog) == said
        assert not dialog.page.isVisible()


def test_what_fails_is_said_and_can_be_tried_again(show, qtbot):
    codes = [503, 200]

    def answer(handler):
        send(handler, releases("2.0"), code=codes.pop(0))

    with server(answer) as (address, _):
        dialog = show(address)
        dialog.ask.click()
        said = "127.0.0.1 is busy or out of order (error 503). Try again later."
        assert waited(qtbot, dialog) == said
        assert dialog.page.isVisible()
        dialog.ask.click()
        assert waited(qtbot, dialog).startswith("Version 2.0 is available")


def test_it_can_be_cancelled_and_closed_while_nobody_answers(show, qtbot):
    answer = threading.Event()

    def wait(handler):
        answer.wait(60)
        send(handler, releases("2.0"))

    with server(wait) as (address, asked):
        dialog = show(address)
        dialog.ask.click()
        qtbot.waitUntil(lambda: len(asked) == 1)
        assert dialog.message.text() == "Asking 127.0.0.1 …"
        dialog.stop.click()
        assert waited(qtbot, dialog).startswith("To find out")
        dialog.ask.click()
        qtbot.waitUntil(lambda: len(asked) == 2)
        closed = []
        dialog.destroyed.connect(lambda: closed.append(True))
        dialog.close()
        answer.set()
        qtbot.waitUntil(lambda: bool(closed))
        threads = [one for one in threading.enumerate() if one.name == "updates"]
        for thread in threads:
            thread.join(60)
        # The answers of both come to nothing, and to no error.
        qtbot.wait(50)
