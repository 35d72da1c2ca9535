"""Work that is paused."""

from __future__ import annotations

import threading
import time

import pytest

from cellpose_studio.app.training.pausable import PausableCheckpoint, Pause
from cellpose_studio.core.checkpoint import Cancelled, Checkpoint


def test_the_time_of_a_pause_counts_once_however_many_threads_wait():
    pause = Pause()
    checkpoint = PausableCheckpoint(Checkpoint(), pause)
    checkpoint.check()
    pause.turn(on=True)
    begun = time.monotonic()
    threads = [threading.Thread(target=checkpoint.check) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.02)
    assert all(thread.is_alive() for thread in threads)
    pause.turn(on=False)
    pause.turn(on=False)
    for thread in threads:
        thread.join()
    assert 0.02 <= checkpoint.waited <= time.monotonic() - begun


def test_paused_work_can_be_stopped():
    job, pause = Checkpoint(), Pause()
    pause.turn(on=True)
    job.stop()
    with pytest.raises(Cancelled):
        PausableCheckpoint(job, pause).check()
