from __future__ import annotations

import threading

import pytest

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint


def test_steps_are_reported_as_they_are_reached():
    steps = []
    checkpoint = Checkpoint(lambda *step: steps.append(step))
    checkpoint.reached(1, 2, "tiles")
    checkpoint.reached(2, 2, "tiles")
    assert steps == [(1, 2, "tiles"), (2, 2, "tiles")]


def test_without_a_listener_work_goes_on():
    checkpoint = Checkpoint()
    checkpoint.reached(1, 0, "images")
    checkpoint.check()


def test_after_stop_nothing_more_is_reported():
    steps = []
    checkpoint = Checkpoint(lambda *step: steps.append(step))
    checkpoint.stop()
    with pytest.raises(Cancelled):
        checkpoint.reached(1, 2, "tiles")
    with pytest.raises(Cancelled):
        checkpoint.check()
    assert steps == []


def test_a_listener_may_stop_the_work_it_listens_to():
    checkpoint = Checkpoint(lambda *_: checkpoint.stop())
    checkpoint.reached(1, 2, "tiles")
    with pytest.raises(Cancelled):
        checkpoint.reached(2, 2, "tiles")


def test_another_thread_stops_work_that_runs():
    under_way = threading.Event()
    ended = threading.Event()
    checkpoint = Checkpoint(lambda *_: under_way.set())

    def work() -> None:
        try:
            while True:
                checkpoint.reached(0, 0, "steps")
        except Cancelled:
            ended.set()

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    assert under_way.wait(60)
    checkpoint.stop()
    assert ended.wait(60)
    worker.join(5)


def test_being_cancelled_is_not_mistaken_for_a_failure():
    from cellpose_studio.core.errors import StudioError

    assert not issubclass(Cancelled, StudioError)
