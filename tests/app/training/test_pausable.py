"""Work that is paused."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import SimpleNamespace

import pytest

from cellpose_studio.app.training import pausable
from cellpose_studio.app.training.pausable import PausableCheckpoint, Pause
from cellpose_studio.core.checkpoint import Cancelled, Checkpoint


class Looked(Checkpoint):
    """Counts in which thread it was looked at."""

    def __init__(self):
        super().__init__()
        self.looks = Counter()

    def check(self):
        self.looks[threading.get_ident()] += 1
        super().check()


def test_the_time_of_a_pause_counts_once_however_many_threads_wait(monkeypatch):
    clock = SimpleNamespace(monotonic=iter((100.0, 107.0)).__next__)
    monkeypatch.setattr(pausable, "time", clock)
    pause, job = Pause(), Looked()
    checkpoint = PausableCheckpoint(job, pause)
    checkpoint.check()
    pause.turn(on=True)
    threads = [threading.Thread(target=checkpoint.check) for _ in range(3)]
    for thread in threads:
        thread.start()
    # They look whether they are to stop for as long as they wait.
    while any(job.looks[thread.ident] < 3 for thread in threads):
        assert all(thread.is_alive() for thread in threads)
        time.sleep(0.01)
    pause.turn(on=False)
    pause.turn(on=False)
    for thread in threads:
        thread.join()
    assert checkpoint.waited == 7


def test_paused_work_can_be_stopped():
    job, pause = Checkpoint(), Pause()
    pause.turn(on=True)
    job.stop()
    with pytest.raises(Cancelled):
        PausableCheckpoint(job, pause).check()
