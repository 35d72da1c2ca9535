"""A check that fails tells why and what to do, and stops no other."""

from __future__ import annotations

import pytest

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.workflows.self_test.check import (
    Check,
    CheckFailed,
    Found,
    Place,
    run_checks,
)


def check(name, run, needs=()):
    return Check(
        name=name,
        title=name.upper(),
        shows="It works.",
        advice="Do it.",
        run=run,
        needs=needs,
    )


def works(_):
    return Found("Fine")


def could_be_better(_):
    return Found("Slow", "Buy another one.")


def fails(error):
    def run(_):
        raise error

    return run


def run(tmp_path, *checks):
    told = []
    outcomes = run_checks(
        checks, Place(folder=tmp_path), lambda one: told.append(one.name), told.append
    )
    # Whoever listens hears of the start and of the end of each.
    assert told[::2] == [one.name for one in checks]
    assert told[1::2] == outcomes
    return outcomes


def test_what_works_and_what_could_be_better(tmp_path):
    good, note = run(tmp_path, check("a", works), check("b", could_be_better))
    assert (good.status, good.text, good.advice) == ("passed", "Fine", "")
    assert (note.status, note.text) == ("warning", "Slow")
    assert note.advice == "Buy another one."
    assert good.works
    assert note.works


@pytest.mark.parametrize(
    ("error", "text", "advice"),
    [
        (CheckFailed("Broken."), "Broken.", "Do it."),
        (CheckFailed("Broken.\nTraceback: …"), "Broken.", "Do it."),
        (CheckFailed("Broken.", "Mend it."), "Broken.", "Mend it."),
        (CannotSave("No room.", "Make some."), "No room.", "Make some."),
        (ImportError("no png\nat all"), "ImportError: no png", "Do it."),
        (SystemExit(3), "SystemExit: 3", "Do it."),
        (KeyError(), "KeyError", "Do it."),
    ],
    ids=repr,
)
def test_one_that_fails_says_what_to_do_and_stops_no_other(
    tmp_path, error, text, advice
):
    bad, good = run(tmp_path, check("a", fails(error)), check("b", works))
    assert (bad.status, bad.text, bad.advice) == ("failed", text, advice)
    assert type(error).__name__ in bad.details
    assert "Traceback" in bad.details
    assert good.status == "passed"


def test_what_needs_one_that_fails_is_not_tried_nor_what_needs_that(tmp_path):
    first, second, third, last = run(
        tmp_path,
        check("a", fails(CheckFailed("Broken."))),
        check("b", works, needs=("a",)),
        check("c", works, needs=("b",)),
        check("d", works),
    )
    assert [first.status, second.status, third.status] == ["failed", *["skipped"] * 2]
    assert second.text == "Not tried, because of “A”."
    assert third.text == "Not tried, because of “B”."
    assert last.status == "passed"


def test_what_needs_one_that_is_not_in_the_list_is_tried(tmp_path):
    (only,) = run(tmp_path, check("b", works, needs=("a",)))
    assert only.status == "passed"


def test_an_end_by_the_user_is_no_failure_of_a_check(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, check("a", fails(KeyboardInterrupt())))


def test_what_failed_in_an_earlier_process_still_counts(tmp_path):
    (only,) = run_checks(
        [check("b", works, needs=("a",))],
        Place(folder=tmp_path),
        lambda _: None,
        lambda _: None,
        wrong={"a": "The first"},
    )
    assert only.text == "Not tried, because of “The first”."
