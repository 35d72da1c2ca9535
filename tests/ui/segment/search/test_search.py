"""The search for parameters, in the window."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from cellpose_studio.cli.main import run
from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.workflows.evaluation.trials import SearchTable, trials_around


def delete(user, image, cell: int) -> None:
    """Delete a cell by hand, which corrects the masks."""
    labels = image.masks.array
    part = image.masks.pixels.cell_table().box(cell)
    after = np.where(labels[part] == cell, 0, labels[part]).astype(np.uint32)
    user.window.session.edit(
        image, edit_between("Delete cell", [cell], labels, part, after)
    )


def test_without_corrections_there_is_nothing_to_search(user, cells):
    user.open(cells("a.tif"))
    user.window.menus.actions["searchParameters"].trigger()
    dialog = user.window.parameter_search.dialog
    assert not dialog.search.isEnabled()
    assert "No corrected image yet" in dialog.result.text()
    assert not dialog.apply_button.isEnabled()
    dialog.close()


def test_a_trial_stays_selected_and_a_failure_is_told(user):
    window = user.window
    window.parameter_search.open()
    dialog = window.parameter_search.dialog
    trials = trials_around(SegmentationParameters())[:3]
    dialog.found = SearchTable(trials=trials, images=["a.tif", "b.tif"])
    dialog.found.scores[:] = [[0.5, 0.5], [0.6, 0.6], [0.7, np.nan]]
    dialog.found.ap50[:] = [[0.8, 0.9], [0.9, 1.0], [0.7, np.nan]]
    dialog._show()
    assert [dialog.table.item(n, 2).text() for n in range(3)] == [
        *("0.700", "0.900", "0.800")
    ]
    assert [dialog.table.item(n, 0).text() for n in range(3)] == [
        *("0.700", "0.600", "0.500")
    ]
    dialog.table.selectRow(1)
    dialog.found.scores[2, 1] = 0
    dialog._show()
    assert dialog.table.currentRow() == 0
    assert dialog.table.item(0, 0).text() == "0.600"
    dialog._on_failed(ParametersUnfit("The masks have another size."))
    dialog._on_end()
    assert dialog.result.text() == "The masks have another size."
    # A trial of another project cannot be applied.
    window.session.project_changed.emit()
    assert dialog.table.rowCount() == 0
    assert not dialog.apply_button.isEnabled()
    dialog.close()


@pytest.mark.slow
def test_thresholds_are_found_applied_and_recorded(user, cells, tmp_path, capsys):
    window = user.window
    user.open(cells("a.tif"))
    image = user.run()
    automatic = image.masks.record.automatic
    diameter = image.masks.parameters.diameter
    assert {"diameter", "postprocessing"} <= {*automatic}
    deleted, rejected, *others = image.masks.pixels.cell_table().ids().tolist()
    delete(user, image, deleted)
    window.selection.select(rejected)
    window.menus.actions["reject"].trigger()
    user.wait_idle()
    window.menus.actions["searchParameters"].trigger()
    dialog = window.parameter_search.dialog
    user.wait_for(dialog.search.isEnabled)
    dialog.search.click()
    user.wait_for(lambda: dialog._job is None)
    assert dialog.table.rowCount() == len(dialog.found.trials)
    scores = [
        float(dialog.table.item(row, 0).text())
        for row in range(dialog.table.rowCount())
    ]
    assert scores == sorted(scores, reverse=True)
    assert "are few" in dialog.result.text()
    assert dialog.found.cells == [len(others)]
    # The user chooses another trial than the best.
    dialog.table.selectRow(dialog.table.rowCount() - 1)
    assert dialog.apply_button.text() == "Apply selected"
    dialog.apply_button.click()
    chosen = dialog.found.trials[dialog._order[-1]]
    assert window.tabs.currentWidget() is window.segment
    _, parameters = window.segment.run_request()
    assert parameters.cellprob_threshold == chosen.cellprob_threshold
    assert parameters.min_size == chosen.min_size
    # What the run chose by itself is chosen for each of the next ones.
    assert parameters.diameter is None
    assert parameters.postprocessing == "automatic"
    dialog.close()
    user.run()
    search = image.masks.record.search
    assert search.images == 1
    assert search.parameters == chosen.thresholds
    assert image.masks.record.automatic == automatic
    assert image.masks.parameters.diameter == diameter
    # Other thresholds are not those that were found.
    window.segment.result.sliders["min_size"].set_value(chosen.min_size + 7)
    user.wait_idle()
    project = tmp_path / "p.cpstudio"
    window.session.seal_all()
    window.session.project.save_as(project)
    assert run(["search", str(project), "--csv", str(tmp_path / "t.csv")]) == 0
    assert "best: --cellprob-threshold=" in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert {"mean", "a.tif"} <= rows[0].keys()
