"""What a card says of its model."""

from __future__ import annotations

import pytest

from cellpose_studio.core.models.card import ModelCard


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, ""), (0.1, "less than 1 min"), (1.0, "1 min"), (124.6, "125 min")],
)
def test_a_short_training_is_not_said_to_have_taken_no_time(minutes, said):
    assert ModelCard(minutes=minutes).duration == said
