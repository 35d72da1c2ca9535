"""What users of the window and of commands are told to do about an error."""

from __future__ import annotations

import pickle

from cellpose_studio.core.errors import ModelUnusable


def test_a_command_gives_its_own_advice_where_that_of_the_window_does_not_fit():
    error = ModelUnusable("It is missing.", "Models… downloads it.", "Get it: get x.")
    assert str(error) == "It is missing. Models… downloads it."
    assert error.in_command_line() == "It is missing. Get it: get x."
    assert ModelUnusable("It is missing.", "Wait.").in_command_line() == (
        "It is missing. Wait."
    )
    # Workers of a cluster send their errors.
    assert pickle.loads(pickle.dumps(error)).in_command_line() == (
        "It is missing. Get it: get x."
    )
