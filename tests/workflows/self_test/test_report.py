"""What people and programs read about the checks."""

from __future__ import annotations

import json

from cellpose_studio.workflows.self_test import report
from cellpose_studio.workflows.self_test.check import Outcome

GOOD = Outcome(
    name="a", title="Models", status="passed", seconds=1.25, text="All there"
)
NOTE = Outcome(
    name="b", title="OpenGL", status="warning", text="Slow", advice="Update the driver."
)
BAD = Outcome(
    name="c",
    title="Window",
    status="failed",
    text="It did not open.",
    advice="Report it.",
    details="Traceback: …",
)
NOT_TRIED = Outcome(name="d", title="Undo", status="skipped", text="Not tried.")


def test_the_lines_of_the_table():
    assert list(report.lines(GOOD)) == ["passed       1.2 s Models: All there."]
    assert list(report.lines(BAD)) == [
        "FAILED       0.0 s Window: It did not open.",
        "                   What to do: Report it.",
    ]
    assert "What to do: Update the driver." in "\n".join(report.lines(NOTE))


def test_a_note_is_no_failure_and_what_was_not_tried_is_one():
    assert report.all_work([GOOD, NOTE])
    assert not report.all_work([GOOD, BAD])
    assert not report.all_work([GOOD, NOT_TRIED])
    assert report.summary([GOOD, NOTE]).startswith("All 2 checks passed")
    wrong = report.summary([GOOD, BAD, NOT_TRIED])
    assert wrong == "2 of 3 checks did not pass: Window, Undo."


def test_the_text_for_a_report_has_the_details():
    text = report.as_text([GOOD, BAD])
    assert text.startswith("Cellpose Studio ")
    assert "Window (c):\nTraceback: …" in text


def test_the_json_has_all_values():
    read = json.loads(report.as_json([GOOD, BAD]))
    assert read["works"] is False
    assert read["checks"][0] == GOOD.as_dict()
    assert Outcome(**read["checks"][1]) == BAD
