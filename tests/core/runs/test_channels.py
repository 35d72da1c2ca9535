"""Which channels a network sees where the user did not say."""

from __future__ import annotations

import pytest

from cellpose_studio.core.runs.channels import default_channels
from tests.images import image_of


@pytest.mark.parametrize(
    ("channels", "rgb", "inputs", "seen"),
    [
        (1, False, 1, (1,)),
        (1, False, 2, (1, None)),
        (3, False, 2, (1, None)),
        (3, True, 1, (0,)),
        (3, True, 2, (0, None)),
        (1, False, 3, (1, None, None)),
        (2, False, 3, (1, 2, None)),
        (3, True, 3, (1, 2, 3)),
        (5, False, 3, (1, 2, 3)),
    ],
)
def test_channels_fill_the_inputs(channels, rgb, inputs, seen):
    assert default_channels(image_of((1, channels, 1, 8, 8), rgb=rgb), inputs) == seen
