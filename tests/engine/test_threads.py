"""Work that is shared out among threads."""

from __future__ import annotations

import threading
import time

import pytest

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.engine.threads import run_parts, torch_threads, use_threads
from tests.waiting import LONG


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch_threads()
    use_threads(request.param)
    yield request.param
    use_threads(before)


def test_every_part_is_done_once(threads):
    done = []
    run_parts(done.append, range(50), lambda: None)
    assert sorted(done) == list(range(50))


def test_an_error_leaves_once_the_other_parts_have_ended(threads):
    started, ended = [], []

    def work(part: int) -> None:
        started.append(part)
        if part == 2:
            raise ValueError("part 2")
        time.sleep(0.02)
        ended.append(part)

    with pytest.raises(ValueError, match="part 2"):
        run_parts(work, range(500), lambda: None)
    assert len(ended) == len(started) - 1 < 499


def test_a_stop_leaves_the_rest_undone(threads):
    checkpoint, noticed = Checkpoint(), threading.Event()
    done = []

    def work(part: int) -> None:
        # What has begun meanwhile goes on for as long as nobody has noticed, and takes
        # its time after that.
        if part > 4:
            assert noticed.wait(LONG)
            time.sleep(0.02)
        done.append(part)
        if part == 4:
            checkpoint.stop()

    def check() -> None:
        try:
            checkpoint.check()
        except Cancelled:
            noticed.set()
            raise

    with pytest.raises(Cancelled):
        run_parts(work, range(500), check)
    assert len(done) < 400
    assert threading.active_count() < 20


def test_checks_are_made_in_the_thread_that_waits(threads):
    seen = set()
    run_parts(
        lambda _: None,
        range(20),
        lambda: seen.add(threading.current_thread()),
    )
    assert seen == {threading.current_thread()}
