"""Errors are counted by kind, and a report names each kind once."""

from __future__ import annotations

import threading

from cellpose_studio.io.support.report import ErrorList, report


def test_the_same_error_is_one_with_a_count():
    errors = ErrorList()
    for _ in range(5):
        errors.add("KeyError at a.py:1", "No key.", "Report it.", "Traceback a")
    errors.add("ValueError at b.py:2", "No value.", "Report it.", "Traceback b")
    text = report({"Python": "3.11"}, errors.errors, errors.count)
    assert errors.count == 6
    assert [(error.message, error.count) for error in errors.errors] == [
        ("No key.", 5),
        ("No value.", 1),
    ]
    assert text.count("Traceback a") == 1
    assert "5 times: No key." in text
    assert text.endswith("Python: 3.11\n")


def test_a_flood_of_different_errors_takes_little_room():
    errors = ErrorList()
    for n in range(10_000):
        errors.add(f"ValueError at a.py:{n}", f"Number {n}.", "", "x" * 100_000)
    text = report({}, errors.errors, errors.count)
    assert errors.count == 10_000
    assert len(errors.errors) == 20
    assert len(text) < 500_000
    assert "9980 more errors" in text
    errors.clear()
    assert (errors.count, errors.errors) == (0, [])


def test_errors_of_many_threads_are_all_counted():
    errors = ErrorList()

    def add():
        for _ in range(500):
            errors.add("source", "message", "", "")

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors.count, errors.errors[0].count) == (4000, 4000)
