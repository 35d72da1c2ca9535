"""Training in the window: start, watch, end, resume, run on."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QMessageBox, QPushButton

from cellpose_studio.core.models.card import CurvePoint, ModelCard, ParentComparison
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.core.models.training_round import TrainingRound
from cellpose_studio.engine.networks.catalogue import find, from_file
from cellpose_studio.io.project.tables.training.rounds import read_rounds
from cellpose_studio.ui.segment.models.model_card_html import card_html
from cellpose_studio.ui.train.after import verdict
from cellpose_studio.ui.train.request_form import RequestForm
from cellpose_studio.workflows.training.request_file import (
    TrainingRequest,
    state_path,
    write_request,
)

TINY = {"widths": (2, 4, 8), "bsize": 64, "batch_size": 2, "nimg_per_epoch": 2}


@pytest.fixture
def project(user, tmp_path):
    """Return the panel of a project with two images to train on, and two others."""
    y, x = np.indices((96, 96))
    masks = np.zeros((96, 96), np.uint16)
    for n in range(9):
        away = np.hypot(y - 16 - 32 * (n // 3), x - 16 - 32 * (n % 3))
        masks[away < 10] = n + 1
    rng = np.random.default_rng(0)
    for name in "abcd":
        noise = rng.normal(0, 10, masks.shape)
        pixels = np.clip(40 + 120 * (masks > 0) + noise, 0, 255).astype(np.uint8)
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels)
        if name in "ab":
            tifffile.imwrite(tmp_path / f"{name}_masks.tif", masks)
    images = user.open(*(tmp_path / f"{name}.tif" for name in "abcd"))
    for image, role in zip(images, ("train", "validation"), strict=False):
        user.window.session.show(image.source.key)
        user.wait_idle()
        user.window.services.training.set_role([image], role)
    user.wait_idle()
    panel = user.window.train
    user.window.tabs.setCurrentWidget(panel)
    panel.pages.setCurrentIndex(1)
    user.wait_for(lambda: panel.content is not None)
    user.wait_idle()
    return panel


def from_scratch(panel, name, epochs):
    """Choose a tiny network from scratch."""
    form = panel.content.form
    form.model.setCurrentIndex(form.model.count() - 1)
    form._defaults = form._defaults.model_copy(update=TINY)
    values = {"n_epochs": epochs, "validate_every": 1, **TINY}
    form.form.set_values(values)
    form.name.setText(name)
    form.name.textEdited.emit(name)


def click(user, panel, name):
    button = panel.content.progress.buttons[name]
    user.wait_for(lambda: button.isEnabled() and button.isVisible())
    user.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.slow
def test_masks_that_nobody_corrected_are_no_proof(user, cells):
    window, images = user.window, user.open(cells("a.tif"), cells("b.tif"))
    for image, role in zip(images, ("train", "validation"), strict=True):
        window.session.show(image.source.key)
        user.wait_idle()
        user.run()
        window.services.training.set_role([image], role)
    window.tabs.setCurrentWidget(window.train)
    window.train.pages.setCurrentIndex(1)
    user.wait_for(lambda: window.train.content is not None)
    text = window.train.content.set_text.text
    user.wait_for(
        lambda: "Nobody has corrected or reviewed the masks of b.tif" in text()
    )
    window.menus.actions["reviewed"].trigger()
    user.wait_for(lambda: text().endswith("cells)."))


@pytest.mark.slow
def test_a_model_is_trained_watched_and_run_on_the_next_images(user, project, tmp_path):
    content, window = project.content, user.window
    assert content.form.parent_model == window.segment.model.model
    # From the list of what is trained on, a button leads to the training.
    project.pages.setCurrentWidget(project.set)
    user.qtbot.mouseClick(project.set.train, Qt.MouseButton.LeftButton)
    user.wait_for(content.isVisible)
    assert content.form.model.hasFocus()
    known = "1 image for training (9 cells), 1 image for validation (9 cells)."
    user.wait_for(lambda: content.set_text.text() == known)
    from_scratch(project, "tiny", 3)
    buttons = content.progress.buttons
    user.wait_for(buttons["start"].isEnabled)
    buttons["start"].setFocus()
    user.qtbot.keyClick(buttons["start"], Qt.Key.Key_Space)
    user.wait_for(buttons["pause"].isVisible)
    # A user of the keyboard can go on there.
    assert buttons["pause"].hasFocus()
    user.wait_for(lambda: len(content.curve.points["AP"]) == 3)
    assert len(content.curve.points["training"]) == 3
    user.wait_for(buttons["start"].hasFocus)
    low, high = content.curve._aps.viewRange()[1]
    assert -0.02 <= low < high <= 1.02
    user.wait_idle()
    assert content.samples.isVisibleTo(content)
    assert content.after.verdict.text().endswith(
        "no model before it to compare it with."
    )
    # The new model is listed, but what the user chose stays chosen.
    assert content.form.parent_model is None

    path = project.trainings.folder / "tiny"
    model = from_file(path)
    assert model.card.targets == "per cell"
    assert [(i.name, i.role) for i in model.card.images] == [
        ("a.tif", "train"),
        ("b.tif", "validation"),
    ]
    assert "revision" in model.card.images[0].source
    # The pictures are those of the epoch that was kept, as the curve has it.
    kept = dict(content.curve.points["AP"])[model.card.epoch]
    assert content.samples.texts[0].text() == f"AP {kept:.2f}"
    assert not path.with_name("tiny.resume").exists()
    [record] = user.window.session.project.read(read_rounds)
    assert (record.name, record.sha256) == ("tiny", model.sha256)
    made = f"tiny\n1 + 1 images, {model.card.date}"
    assert content.lineage.topLevelItem(0).text(0) == made
    assert user.window.segment.model.model.sha256 == model.sha256

    names = [image.source.name for image in content.after.images]
    assert names == ["c.tif", "d.tif"]
    content.after.next.itemActivated.emit(content.after.next.item(1))
    assert window.session.shown.source.name == "d.tif"
    user.qtbot.mouseClick(content.after.run, Qt.MouseButton.LeftButton)
    queue = user.window.background.run_queue
    assert [item.model for item in queue.items] == [str(path)] * 2
    queue.cancel()
    user.wait_idle()

    # The work goes on with that model when the project is open again.
    file = tmp_path / "loop.cpstudio"
    window.session.project.save_as(file)
    window.projects.new()
    user.wait_for(lambda: not content.after.isVisibleTo(content))
    window.projects.open(file)
    user.wait_for(lambda: content.after.isVisibleTo(content))
    user.wait_for(lambda: [i.source.name for i in content.after.images] == names)


@pytest.mark.slow
def test_a_training_that_was_cancelled_is_resumed_after_a_restart(user, project):
    content, trainings = project.content, project.trainings
    from_scratch(project, "later", 200)
    click(user, project, "start")
    user.wait_for(lambda: len(content.curve.points["AP"]) >= 2)
    click(user, project, "pause")
    user.wait_for(lambda: content.progress.buttons["pause"].text() == "Go on")
    click(user, project, "cancel")
    user.wait_for(lambda: trainings.request is None)
    assert "later was cancelled. It can be resumed" in user.message
    assert not (trainings.folder / "later").exists()

    before = {name: [*points] for name, points in content.curve.points.items()}

    # What a new start of the application finds on the disk.
    [left] = trainings.interrupted()
    assert left.title == "later"
    item = content.progress.interrupted.itemAt(0).widget()
    go_on = item.findChild(type(content.progress.buttons["start"]), "resume")
    assert go_on.text() == "Resume training later"
    user.qtbot.mouseClick(go_on, Qt.MouseButton.LeftButton)
    user.wait_for(lambda: len(content.curve.points["AP"]) > len(before["AP"]))
    # The curves begin where they did, with the same values.
    for name, points in before.items():
        assert points
        assert content.curve.points[name][: len(points) - 1] == points[:-1]
    click(user, project, "finish")
    user.wait_for(lambda: trainings.request is None)
    user.wait_idle()
    card = from_file(trainings.folder / "later").card
    scores = {p.epoch: p.validation_score for p in card.curve}
    assert scores[card.epoch] == max(scores.values())
    assert trainings.interrupted() == []
    assert [p.epoch for p in card.curve] == [*range(1, 1 + len(card.curve))]
    html = card_html(from_file(trainings.folder / "later"))
    assert f"<b>{card.epoch}, kept</b>" in html


def test_an_interrupted_training_with_a_long_name_does_not_widen_the_panel(
    user, project
):
    content, trainings = project.content, project.trainings
    content.form.model.setCurrentIndex(content.form.model.count() - 1)
    user.wait_idle()
    width = content.widget().minimumSizeHint().width()
    title = "Cells in phase contrast (small) on drugs & controls, third day"
    request = TrainingRequest(
        out=trainings.folder / "long",
        title=title,
        project=user.window.session.project.path,
        parent=None,
        parameters=content.form.parameters(),
    )
    trainings.folder.mkdir(parents=True, exist_ok=True)
    write_request(request, trainings.folder)
    state_path(request.out).write_bytes(b"")
    trainings.changed.emit()
    layout = content.progress.interrupted
    user.wait_for(lambda: layout.count() == 1)
    go_on = layout.itemAt(0).widget().findChild(QPushButton, "resume")
    assert go_on.accessibleName() == f"Resume training {title}"
    assert content.widget().minimumSizeHint().width() == width
    trainings.discard(request)
    user.wait_for(lambda: layout.count() == 0)


def interrupted(trainings, project, name):
    """Write the files of a training that was interrupted."""
    request = TrainingRequest(
        out=trainings.folder / name,
        title=name,
        project=project.path,
        parent=None,
        parameters=TrainingParameters(),
    )
    trainings.folder.mkdir(parents=True, exist_ok=True)
    write_request(request, trainings.folder)
    state_path(request.out).write_bytes(b"")
    return request


@pytest.mark.slow
def test_a_discarded_training_leaves_nothing_of_it(user, project):
    content, trainings = project.content, project.trainings
    before = {*trainings.folder.glob("*")}
    from_scratch(project, "later", 200)
    click(user, project, "start")
    user.wait_for(lambda: len(content.curve.points["AP"]) >= 2)
    click(user, project, "cancel")
    user.wait_for(lambda: trainings.request is None)
    user.wait_for(lambda: content.progress.interrupted.count() == 1)
    assert "It can be resumed" in user.message
    asked = []
    content.progress.may_discard = lambda _, title: asked.append(title)
    discard = content.progress.interrupted.itemAt(0).widget().discard
    discard.setFocus()
    user.qtbot.keyClick(discard, Qt.Key.Key_Space)
    # Without a yes, it is there as before.
    assert asked == ["later"]
    assert trainings.interrupted()
    assert content.curve.points["AP"]
    content.progress.may_discard = lambda *_: True
    user.qtbot.mouseClick(discard, Qt.MouseButton.LeftButton)
    user.wait_for(lambda: content.progress.interrupted.count() == 0)
    assert user.message == "later was discarded."
    assert {*trainings.folder.glob("*")} == before
    assert not content.curve.points["AP"]
    assert not content.samples.isVisibleTo(content)
    user.wait_for(content.progress.buttons["start"].hasFocus)


def test_a_training_is_asked_about_before_it_is_discarded(user, project):
    content, trainings = project.content, project.trainings
    request = interrupted(trainings, user.window.session.project, "kept")
    trainings.changed.emit()
    user.wait_for(lambda: content.progress.interrupted.count() == 1)
    said = []

    def answer():
        box = user.window.findChild(QMessageBox)
        if box is None or not box.isVisible():
            QTimer.singleShot(20, answer)
            return
        said.append(box.text())
        user.qtbot.keyClick(box, Qt.Key.Key_Return)

    QTimer.singleShot(0, answer)
    discard = content.progress.interrupted.itemAt(0).widget().discard
    user.qtbot.mouseClick(discard, Qt.MouseButton.LeftButton)
    assert said == ["Discard the training kept?"]
    assert trainings.interrupted() == [request]


def test_a_training_that_cannot_be_discarded_stays_listed(user, project):
    content, trainings = project.content, project.trainings
    content.progress.may_discard = lambda *_: True
    request = interrupted(trainings, user.window.session.project, "stuck")
    # A folder in the place of the file cannot be deleted as a file.
    state_path(request.out).unlink()
    state_path(request.out).mkdir()
    trainings.changed.emit()
    user.wait_for(lambda: content.progress.interrupted.count() == 1)
    discard = content.progress.interrupted.itemAt(0).widget().discard
    user.qtbot.mouseClick(discard, Qt.MouseButton.LeftButton)
    assert "stuck could not be discarded" in user.message
    assert trainings.interrupted() == [request]
    state_path(request.out).rmdir()
    trainings.discard(request)


@pytest.mark.slow
def test_the_tree_of_models_shows_the_curve_of_each_and_which_are_worse(user, project):
    content, trainings = project.content, project.trainings

    def trained(name, parent, before, after):
        comparison = ParentComparison(
            images=1, before=before, after=after, low=None, high=None
        )
        card = ModelCard(
            parent=parent,
            parent_sha256=parent,
            epoch=5,
            curve=[
                CurvePoint(epoch=0, validation_ap=before),
                CurvePoint(epoch=5, train_loss=0.5, validation_ap=after),
            ],
            comparison=comparison,
        )
        return TrainingRound(name=name, path=name, sha256=name, card=card)

    made = [
        trained("first", "shipped", 0.5, 0.7),
        trained("second", "first", 0.7, 0.6),
        trained("beside", "shipped", 0.5, 0.5),
    ]
    trainings.rounds.extend(made)
    trainings.changed.emit()
    tree = content.lineage
    user.wait_for(lambda: tree.topLevelItemCount() == 2)
    first, beside = (tree.topLevelItem(n) for n in range(2))
    second = first.child(0)
    assert [one.text(0).split("\n")[0] for one in (first, second, beside)] == [
        "first",
        "second",
        "beside",
    ]
    assert second.text(1) == "0.700 → 0.600 (worse)"
    tree.setCurrentItem(second)
    assert content.curve.points["AP"] == [(0, 0.7), (5, 0.6)]
    assert content.curve._best.value() == 5
    # A click shows it again, though it is the current one already.
    content.curve.clear()
    place = tree.visualItemRect(second).center()
    user.qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert content.curve.points["AP"] == [(0, 0.7), (5, 0.6)]
    said = verdict("second", trainings.rounds[1].card)
    assert "worse than before on 1 validation image" in said
    assert "(one image gives no interval). The difference may be chance." in said
    assert said.endswith("It is listed, but not chosen for runs.")
    # Nothing of it is shown in another project.
    user.window.projects.new()
    user.wait_for(lambda: not content.curve.points["AP"])


def test_channels_are_chosen_by_their_names(qtbot):
    form = RequestForm()
    qtbot.addWidget(form)
    form.set_channels(["DAPI", "Actin / GFP"])
    texts = [form.channel.itemText(n) for n in range(form.channel.count())]
    assert texts == ["mean of all", "DAPI", "Actin / GFP"]
    assert form.parameters().channel == 0
    form.channel.setCurrentIndex(2)
    form.set_channels(["DAPI"])
    assert form.parameters().channel == 2
    assert form.channel.currentText() == "Channel 2"
    form.set_channels(["DAPI", "GFP"])
    assert (form.channel.currentText(), form.parameters().channel) == ("GFP", 2)


def test_the_share_of_the_old_model_is_chosen_where_there_is_one(qtbot):
    form = RequestForm()
    qtbot.addWidget(form)
    form.set_models([find("phase-small")], find("phase-small"))
    share = form.form.widget_of("parent_share")
    assert share.isEnabled()
    assert form.parameters().parent_share == share.value() == 0.5
    assert "forgets less" in share.toolTip()
    share.setValue(0.8)
    assert form.parameters().parent_share == 0.8
    # A network from scratch has no model before it.
    form.model.setCurrentIndex(1)
    assert not share.isEnabled()
    assert form.parameters().parent_share == 0
