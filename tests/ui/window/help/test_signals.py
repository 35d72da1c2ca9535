"""A signal asks to end, also while Qt waits; a second one ends at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends signals of POSIX")

PROGRAM = """
import signal, sys
from qtpy.QtCore import QCoreApplication, QTimer
from cellpose_studio.ui.window.help.signals import EndSignals
{before}
app = QCoreApplication([])
signals = EndSignals(lambda: print("noted", flush=True))
signals.received.connect(lambda: (print("received", flush=True), {then}))
QTimer.singleShot(0, lambda: print("ready", flush=True))
app.exec()
signals.close()
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def start(then="app.quit()", before=""):
    code = PROGRAM.format(then=then, before=before)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_is_a_request(name):
    process = start()
    process.send_signal(getattr(signal, name))
    assert process.communicate(timeout=300)[0] == "noted\nreceived\nTrue\n"
    assert process.returncode == 0


def test_a_second_signal_ends_at_once():
    process = start(then="None")
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "noted\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGTERM


def test_what_is_ignored_stays_ignored():
    process = start(before="signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=300)[0] == "noted\nreceived\nTrue\n"
