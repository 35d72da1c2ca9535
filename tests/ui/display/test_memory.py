from __future__ import annotations

import json

import pytest

from cellpose_studio.core.display.channel_display import ChannelDisplay
from cellpose_studio.ui.display.memory import DisplayMemory

SETTINGS = [ChannelDisplay(limits=(3, 4.5), gamma=0.5), ChannelDisplay(visible=False)]


def test_what_a_project_has_stored_is_remembered_by_image():
    memory = DisplayMemory()
    memory.keep(7, SETTINGS)
    stored = json.loads(json.dumps(memory.state()))
    again = DisplayMemory()
    again.load(stored)
    assert again.of(7, 2) == SETTINGS
    assert again.of(7, 3) == []  # another file took the place of the image
    assert again.of(8, 2) == []
    again.forget()
    assert again.state() == {}


@pytest.mark.parametrize(
    "damaged", [None, [], 3, {"x": []}, {"7": 3}, {"7": [{"gamma": -1}]}, {"7": [1]}]
)
def test_damaged_settings_are_forgotten(damaged):
    memory = DisplayMemory()
    memory.load(damaged)
    assert memory.state() == {}
