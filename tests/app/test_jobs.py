"""Jobs: what the GUI thread hears of them, and in which order."""

from __future__ import annotations

import gc
import threading
import weakref
from itertools import count
from types import SimpleNamespace

import pytest
from qtpy.QtCore import QCoreApplication

from cellpose_studio.app.jobs import Job, JobQueue
from tests.waiting import LONG


@pytest.fixture
def until_idle(queue, qtbot):
    return lambda: qtbot.waitUntil(lambda: not queue.jobs)


def recorded(job):
    """Return a list that fills with what ``job`` tells, and in which thread."""
    heard = []
    for name in ("started", "progress", "finished", "failed", "cancelled", "ended"):
        getattr(job, name).connect(
            lambda *values, name=name: heard.append(
                (name, *values, threading.current_thread() is threading.main_thread())
            )
        )
    return heard


def test_the_work_runs_elsewhere_and_is_heard_of_here(queue, until_idle):
    def work(checkpoint):
        checkpoint.reached(1, 2, "tile")
        return threading.current_thread() is threading.main_thread()

    job = Job("count", work)
    heard = recorded(job)
    queue.start(job)
    until_idle()
    assert heard == [
        ("started", True),
        ("progress", 1, 2, "tile", True),
        ("finished", False, True),
        ("ended", True),
    ]


def test_who_hears_of_a_job_when_it_is_queued_misses_nothing(queue, until_idle):
    heard = []
    queue.queued.connect(lambda job: heard.append(recorded(job)))
    for n in range(50):
        queue.start(Job("quick", lambda _, n=n: n))
    until_idle()
    expected = [
        [("started", True), ("finished", n, True), ("ended", True)] for n in range(50)
    ]
    assert heard == expected


def test_cancel_stops_at_the_next_checkpoint(queue, until_idle):
    started, go_on = threading.Event(), threading.Event()

    def work(checkpoint):
        started.set()
        assert go_on.wait(LONG)
        checkpoint.reached(1, 2, "tile")
        raise AssertionError("ran past the checkpoint")

    job = Job("long", work)
    heard = recorded(job)
    queue.start(job)
    assert started.wait(LONG)
    job.cancel()
    go_on.set()
    until_idle()
    assert heard == [("started", True), ("cancelled", True), ("ended", True)]


def test_a_job_that_is_cancelled_while_it_waits_never_starts(queue, until_idle):
    go_on = threading.Event()
    queue.start(Job("first", lambda _: go_on.wait(LONG)))
    ran = []
    job = Job("second", ran.append)
    heard = recorded(job)
    queue.start(job)
    assert [waiting.title for waiting in queue.jobs] == ["first", "second"]
    job.cancel()
    go_on.set()
    until_idle()
    assert heard == [("cancelled", True), ("ended", True)]
    assert ran == []


@pytest.mark.parametrize("error", [ZeroDivisionError("no"), MemoryError()])
def test_a_failure_is_told_and_the_queue_goes_on(queue, until_idle, error):
    def work(_):
        raise error

    job = Job("bad", work)
    heard = recorded(job)
    after = Job("good", lambda _: 7)
    heard_after = recorded(after)
    queue.start(job)
    queue.start(after)
    until_idle()
    assert heard == [("started", True), ("failed", error, True), ("ended", True)]
    assert ("finished", 7, True) in heard_after


def test_jobs_run_one_at_a_time_in_their_order(queue, until_idle):
    running, peak, order = [], [], []

    def work(n):
        running.append(n)
        peak.append(len(running))
        order.append(n)
        running.remove(n)

    for n in range(5):
        queue.start(Job(str(n), lambda _, n=n: work(n)))
    until_idle()
    assert peak == [1] * 5
    assert order == list(range(5))


def test_a_stream_of_steps_is_thinned_but_the_ends_are_told(
    queue, until_idle, monkeypatch
):
    # A step takes half a millisecond.
    clock = SimpleNamespace(monotonic=count(step=0.0005).__next__)
    monkeypatch.setattr("cellpose_studio.app.jobs.time", clock)

    def work(checkpoint):
        for what in ("tile", "masks"):
            for n in range(10_001):
                checkpoint.reached(n, 10_000, what)

    job = Job("many", work)
    heard = recorded(job)
    queue.start(job)
    until_idle()
    steps = [image[1:4] for image in heard if image[0] == "progress"]
    assert 100 < len(steps) < 500
    ends = [(0, 10_000, "tile"), (10_000, 10_000, "tile")]
    ends += [(0, 10_000, "masks"), (10_000, 10_000, "masks")]
    assert [step for step in steps if step[0] in (0, 10_000)] == ends


def test_all_jobs_can_be_cancelled_together(queue, until_idle):
    started = threading.Event()

    def work(checkpoint):
        started.set()
        while True:
            checkpoint.check()

    heard = [recorded(queue.start(Job(str(n), work))) for n in range(3)]
    assert started.wait(LONG)
    queue.cancel_all()
    until_idle()
    assert [("cancelled", True) in each for each in heard] == [True] * 3


def test_shutting_down_waits_and_silences_what_was_not_heard_yet(qapp):
    queue = JobQueue()
    done = threading.Event()
    ran = []

    def first(_):
        done.set()
        return "a result that nobody has heard of yet"

    def second(checkpoint):
        while True:
            checkpoint.reached(0, 0, "busy")

    jobs = [Job("first", first), Job("second", second), Job("third", ran.append)]
    heard = [recorded(job) for job in jobs]
    for job in jobs:
        queue.start(job)
    assert done.wait(LONG)
    queue.shut_down()
    assert queue.jobs == ()
    QCoreApplication.processEvents()
    assert heard == [[], [], []]
    assert ran == []


def test_a_job_that_has_ended_is_not_kept(queue, until_idle):
    job = Job("large", lambda _: bytes(1000))
    job.finished.connect(str)
    queue.start(job)
    until_idle()
    gone = weakref.ref(job)
    del job
    gc.collect()
    assert gone() is None


def test_a_job_goes_on_for_as_long_as_there_is_more_work(queue, until_idle):
    threads = []

    def then(result):
        threads.append(threading.current_thread() is threading.main_thread())
        return (lambda _: result + 1) if result < 3 else None

    job = Job("count", lambda _: 0, then=then)
    heard = recorded(job)
    queue.start(job)
    until_idle()
    assert heard == [("started", True), ("finished", 3, True), ("ended", True)]
    assert threads == [True] * 4


def test_a_job_goes_on_before_those_that_wait(queue, until_idle):
    order, told, begun = [], threading.Event(), threading.Event()

    def then(first):
        # Only what waits is overtaken; the thread may be slow to take "x".
        assert begun.wait(LONG)
        return (lambda _: order.append("more of a")) if first else None

    def work(name):
        begun.set()
        assert told.wait(LONG)
        order.append(name)

    job = queue.start(Job("a", lambda _: True, then=then))
    # The queue has heard of it before.
    job.continued.connect(told.set)
    for name in "xyz":
        queue.start(Job(name, lambda _, name=name: work(name)))
    until_idle()
    assert order == ["x", "more of a", "y", "z"]


def test_a_job_can_be_cancelled_before_it_goes_on(queue, until_idle):
    def then(_):
        job.cancel()
        return lambda _: None

    job = Job("count", lambda _: 0, then=then)
    heard = recorded(job)
    queue.start(job)
    until_idle()
    assert heard == [("started", True), ("cancelled", True), ("ended", True)]


def test_what_fails_between_two_parts_of_a_job_is_heard_of(queue, until_idle):
    error = ValueError("wrong")

    def then(_):
        raise error

    job = Job("count", lambda _: 0, then=then)
    heard = recorded(job)
    queue.start(job)
    until_idle()
    assert heard == [("started", True), ("failed", error, True), ("ended", True)]


def test_a_job_does_not_go_on_after_a_shut_down(qapp):
    queue, asked = JobQueue(), []
    done = threading.Event()

    def work(_):
        done.set()

    job = queue.start(Job("count", work, then=asked.append))
    assert done.wait(LONG)
    queue.shut_down()
    QCoreApplication.processEvents()
    assert asked == []
    assert job.stopping
