"""What the window has loaded is set apart, and no image stays with it."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest


@pytest.fixture
def apart():
    """Nothing is set apart at first, and in the end what the other tests need."""
    gc.unfreeze()
    yield
    gc.collect()
    gc.freeze()


def layers(window):
    return [weakref.ref(layer) for layer in window.canvas.model.layers]


@pytest.mark.slow
def test_an_image_that_was_shown_meanwhile_goes_when_it_is_left(apart, user, cells):
    first, second = user.open(cells("a.tif"), cells("b.tif"))
    session = user.window.session
    session.show(first.source.key)
    of_first = layers(user.window)
    user.window.warm_up()
    user.wait_for(lambda: gc.get_freeze_count() > 0)
    user.wait_idle()
    assert of_first
    session.show(second.source.key)
    # That is once the user does nothing for a moment.
    user.wait_for(lambda: all(layer() is None for layer in of_first))
    assert gc.get_freeze_count() > 0
    torch = sys.modules["torch"]
    assert not any(known is torch for known in gc.get_objects())


@pytest.mark.slow
def test_nothing_looks_at_all_objects_while_code_is_loaded(apart, user):
    at_first, seen = gc.get_threshold(), []
    gc.callbacks.append(look := lambda _, about: seen.append(about["generation"]))
    user.window.warm_up()
    user.wait_for(lambda: gc.get_freeze_count() > 0)
    gc.callbacks.remove(look)
    assert 0 in seen
    assert 2 not in seen
    # Few objects are left to look at, and thousands of new ones are no reason to.
    assert at_first[2] < gc.get_threshold()[2] < 10_000
    user.window.close()
    assert gc.get_threshold() == at_first


@pytest.mark.slow
def test_images_shown_later_are_not_kept(apart, user, cells):
    user.window.warm_up()
    user.wait_for(lambda: gc.get_freeze_count() > 0)
    user.wait_idle()
    first, second = user.open(cells("a.tif"), cells("b.tif"))
    user.window.session.show(first.source.key)
    of_first = layers(user.window)
    user.window.session.show(second.source.key)
    assert [layer() for layer in of_first] == [None] * len(of_first)


@pytest.mark.slow
def test_another_project_lets_images_go_that_were_set_apart(apart, user, cells):
    user.open(cells("a.tif"))
    image = user.run()
    user.window.session.undo()
    user.window.session.redo()
    masks = weakref.ref(image.masks.pixels)
    user.window.warm_up()
    user.wait_for(lambda: gc.get_freeze_count() > 0)
    user.wait_idle()
    gone = weakref.ref(image)
    del image
    user.window.projects.new()
    user.wait_idle()
    assert gone() is None
    assert masks() is None
