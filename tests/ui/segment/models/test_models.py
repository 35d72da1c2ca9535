"""The browser of models, and the cards in it."""

from __future__ import annotations

import shutil

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialogButtonBox

from cellpose_studio.core.models.card import NO_CARD, ModelCard
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.model_card import card_path, card_text
from cellpose_studio.engine.networks.weights import inspect, read_weights
from cellpose_studio.ui.segment.models.model_card_html import card_html

OK = QDialogButtonBox.StandardButton.Ok


@pytest.fixture
def panel(user):
    return user.window.segment.model


@pytest.fixture
def own_file(tmp_path):
    """A weight file of the user's with a card beside it."""
    import torch

    path = tmp_path / "mine"
    # Other bytes, or it would be known as the model that ships.
    torch.save(dict(read_weights(shipped()[0].path)), path)
    card = ModelCard(purpose="yeast <in> pictures", seed=3, command="train it")
    spec = inspect(path).model_copy(update={"title": "My yeast", "card": card})
    card_path(path).write_text(card_text(spec), encoding="utf-8")
    return path


def test_the_browser_shows_the_card_of_each_model(user, panel, qtbot):
    qtbot.mouseClick(panel.browse, Qt.MouseButton.LeftButton)
    browser = panel.browser
    assert browser.isVisible()
    models = shipped()
    listed = [browser.list.item(n).text() for n in range(browser.list.count())]
    assert listed == [*[model.label for model in models], "Automatic"]
    for n, model in enumerate(models):
        browser.list.setCurrentRow(n)
        text = browser.card.toPlainText()
        assert model.label in text
        assert model.card.purpose in text
        assert model.card.not_for in text
        assert f"{model.card.accuracy[0].ap50:.2f}" in text
        assert model.card.command in text
        assert model.licence in text
        assert model.sha256 in text
        for row in model.card.data:
            assert row.name in text
            assert row.licence in text


def test_a_model_is_chosen_in_the_browser(user, panel, qtbot):
    last = panel.combo.count() - 1
    assert panel.combo.currentIndex() == 0
    qtbot.keyClick(user.window, Qt.Key.Key_M)
    panel.browser.list.setCurrentRow(last)
    panel.browser.buttons.button(OK).click()
    assert not panel.browser.isVisible()
    assert panel.combo.currentIndex() == last


def test_cancelling_leaves_the_choice(panel):
    panel.show_browser()
    panel.browser.list.setCurrentRow(panel.combo.count() - 1)
    panel.browser.reject()
    assert panel.combo.currentIndex() == 0


def test_a_file_brings_its_card_along(user, panel, own_file):
    panel.show_browser()
    user.window.models.add(own_file)
    user.wait_idle()
    assert panel.combo.currentText() == "My yeast"
    browser = panel.browser
    assert browser.list.currentItem().text() == "My yeast"
    text = browser.card.toPlainText()
    assert "yeast <in> pictures" in text
    assert "train it" in text


def test_a_file_without_a_card_says_so(user, panel, own_file, tmp_path):
    alone = tmp_path / "alone"
    shutil.copyfile(own_file, alone)
    assert NO_CARD in card_html(inspect(alone))


def test_a_file_with_a_broken_card_is_added_and_told(user, panel, own_file):
    own_file.with_name(f"{own_file.name}.json").write_text("{")
    user.window.models.add(own_file)
    user.wait_idle()
    assert panel.model.path == own_file
    assert "is not a readable card" in user.message
    assert "Masks do not depend on it." in user.message
