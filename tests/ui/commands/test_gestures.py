"""Mouse gestures that the user changes: their texts, conflicts and settings."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.commands.gestures import BUTTONS, Gestures, Trigger
from cellpose_studio.ui.tools.gestures import GESTURES
from cellpose_studio.ui.tools.toolbox import TOOLS, mouse_gestures

NAMES = [gesture.name for gesture in GESTURES]
NONE: frozenset[str] = frozenset()


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "settings.json"


@pytest.fixture
def gestures(kept):
    return Gestures(GESTURES, Settings.load(kept))


@pytest.mark.parametrize(
    ("text", "click", "drag"),
    [
        ("left", "click", "drag"),
        ("right", "right-click", "right-drag"),
        ("Ctrl+left", "Ctrl+click", "Ctrl+drag"),
        ("Ctrl+Shift+middle", "Ctrl+Shift+middle-click", "Ctrl+Shift+middle-drag"),
    ],
)
def test_a_trigger_is_written_as_people_say_it(text, click, drag):
    trigger = Trigger.parse(text)
    assert (trigger.text("click"), trigger.text("drag")) == (click, drag)
    assert str(trigger) == text


@pytest.mark.parametrize("text", ["", "Ctrl", "Ctrl+", "Hyper+left", "left+Ctrl"])
def test_what_is_no_gesture_is_refused(text):
    with pytest.raises(ValueError, match="no mouse gesture"):
        Trigger.parse(text)


def test_exactly_the_modifiers_start_a_gesture(gestures):
    control, both = frozenset({"Control"}), frozenset({"Control", "Shift"})
    assert gestures.matches("delete", BUTTONS["left"], control)
    assert not gestures.matches("delete", BUTTONS["left"], both)
    assert not gestures.matches("delete", BUTTONS["right"], control)
    assert not gestures.matches("choose", BUTTONS["left"], control)
    # The key of the system, or Caps Lock on some, is no modifier of ours.
    assert gestures.matches("outline", BUTTONS["right"], frozenset({"Meta"}))


def test_a_changed_gesture_is_kept_said_and_reset(gestures, kept):
    gestures.set("delete", Trigger.parse("Shift+left"))
    again = Gestures(GESTURES, Settings.load(kept))
    assert str(again.trigger("delete")) == "Shift+left"
    tip = again.fill_in(TOOLS["select"].tip)
    assert tip.startswith("Click to choose a cell, Shift+click to delete it, Alt+click")
    assert "Shift+drag a lasso" in tip
    again.set("merge", None)
    assert "(not set) to merge it" in again.fill_in(TOOLS["select"].tip)
    again.reset_all()
    assert Settings.load(kept).gestures == {}
    assert not any(map(again.is_changed, NAMES))


def test_two_gestures_of_a_tool_are_never_the_same(gestures):
    with pytest.raises(
        ValueError, match=r"Alt.click is the gesture of “Merge the cell"
    ):
        gestures.set("delete", Trigger.parse("Alt+left"))
    # The outline is drawn with any tool.
    assert gestures.reason_refused("outline", Trigger.parse("left"))
    assert gestures.reason_refused("removeHandle", Trigger.parse("right"))
    # Different tools may have the same.
    assert not gestures.reason_refused("removeHandle", Trigger.parse("Alt+left"))
    gestures.set("delete", Trigger.parse("Shift+left"))
    gestures.set("merge", Trigger.parse("Ctrl+left"))
    with pytest.raises(ValueError, match=r"Ctrl.click"):
        gestures.reset("delete")


def test_damaged_settings_are_read(kept):
    settings = Settings.load(kept)
    settings.gestures = {"delete": "no", "merge": "Ctrl+left", "gone": "left"}
    gestures = Gestures(GESTURES, settings)
    assert str(gestures.trigger("merge")) == "Ctrl+left"
    # Its default has been given to the other one.
    assert gestures.trigger("delete") is None
    assert gestures.trigger("choose") == gestures.default("choose")


def test_every_text_names_gestures_that_exist(gestures):
    texts = [text for text, _ in mouse_gestures()]
    texts += [tool.tip for tool in TOOLS.values()]
    assert all(gestures.fill_in(text) for text in texts)
    assert ("Ctrl+click", "Delete the cell") in [
        (gestures.fill_in(text), effect) for text, effect in mouse_gestures()
    ]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.sampled_from(["left", "right", "Ctrl+left", "Alt+left", "", None]),
        ),
        max_size=10,
    )
)
def test_no_tool_has_two_meanings_whatever_is_set_and_reset(gestures, kept, steps):
    gestures.reset_all()
    for name, text in steps:
        try:
            if text is None:
                gestures.reset(name)
            else:
                gestures.set(name, Trigger.parse(text) if text else None)
        except ValueError:
            pass
        for one in GESTURES:
            for other in GESTURES:
                trigger = gestures.trigger(one.name)
                if one.name < other.name and trigger and one.meets(other):
                    assert trigger != gestures.trigger(other.name)
        again = Gestures(GESTURES, Settings.load(kept))
        assert all(again.trigger(n) == gestures.trigger(n) for n in NAMES)
