"""Running again what a project holds, and where its masks come from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import (
    ImageUnreadable,
    ModelUnusable,
    ProjectDamaged,
    ProjectUnusable,
)
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.masks.labels import cell_count
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import JournalEntry, LabelRevision
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import find, shipped
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import save_weights
from cellpose_studio.engine.threads import torch_threads
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.file import (
    create_project,
    open_project,
    read_project,
)
from cellpose_studio.io.project.tables.images import StoredImage, write_image
from cellpose_studio.io.project.tables.journal import seal, write_entry
from cellpose_studio.io.project.tables.label_chunks import write_labels
from cellpose_studio.io.project.tables.revisions import (
    set_head,
    write_label_set,
    write_revision,
)
from cellpose_studio.io.project.tables.runs import write_run
from cellpose_studio.workflows.provenance import run_again
from cellpose_studio.workflows.provenance.origin import NoRun, provenance
from cellpose_studio.workflows.provenance.recipes import recipe
from cellpose_studio.workflows.provenance.replay import replay
from cellpose_studio.workflows.provenance.run_again import find_model
from cellpose_studio.workflows.provenance.run_record import masks_sha256, record_of
from cellpose_studio.workflows.segment import segment

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
QUIET = Checkpoint()


class Written:
    """A project file that a test fills, revision by revision."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.revisions: list[LabelRevision] = []
        self.record: RunRecord | None = None
        self._entries = 0

    def run(self, image, axes=None, model=None, change=lambda record: record, **given):
        """Run on ``image`` and write the result as the first revision."""
        parameters = SegmentationParameters(**{"diameter": 20.0, **given})
        source = open_images(image, axes)[0]
        result = segment(source, model or shipped()[0], parameters, QUIET)
        self.maker = result.maker
        self.record = change(record_of(result, NOON))
        file = create_project(self.path)
        write_image(
            file.db, StoredImage(id=1, image=source, asked_axes=axes), self.path.parent
        )
        write_label_set(file.db, 1, 1, "cells")
        write_run(file.db, 1, 1, self.record)
        file.close()
        return self.add("run", result.labels, result.parameters)

    def add(self, kind, labels, parameters=None, run=1, edits=(), **more):
        """Write a revision after the last one, and return its labels."""
        number = len(self.revisions) + 1
        revision = LabelRevision(
            id=number,
            label_set=1,
            parent=number - 1 or None,
            kind=kind,
            created=NOON,
            origin=f"a {kind}",
            shape=labels.shape,
            cells=cell_count(labels),
            run=run,
            parameters=parameters,
            **more,
        )
        file = open_project(self.path)
        for edit in edits:
            self._entries += 1
            entry = JournalEntry(
                id=self._entries,
                label_set=1,
                base=number - 1,
                operation=edit.operation,
                cells=edit.cells,
                time=NOON,
            )
            write_entry(file.db, entry, edit.parts)
        write_revision(file.db, revision)
        write_labels(file.db, number, Snapshot(labels))
        if edits:
            seal(file.db, 1, number - 1, number)
        set_head(file.db, 1, number, revision.cells)
        file.close()
        self.revisions.append(revision)
        return labels

    def edit(self, labels, cell, operation="Delete cell"):
        """Delete a cell by hand, as a revision of its own."""
        after = np.where(labels == cell, 0, labels).astype(np.uint32)
        whole = tuple(slice(0, n) for n in labels.shape)
        edit = edit_between(operation, [cell], labels, whole, after)
        return self.add("edit", after, self.revisions[-1].parameters, 1, [edit])

    def made(self, revision):
        file = read_project(self.path)
        try:
            return provenance(file.db, revision)
        finally:
            file.close()

    def replay(self, revision):
        return replay(self.path, revision, QUIET)


@pytest.fixture
def project(tmp_path):
    return Written(tmp_path / "p.cpstudio")


# Where masks come from


def test_a_run_comes_from_its_record(project, cells):
    project.run(cells("a.tif"))
    made = project.made(1)
    assert made.record == project.record
    assert (made.base, made.revision) == (made.revision, project.revisions[0])
    assert (made.edits, made.edited, made.imported) == ((), (), None)


def test_later_thresholds_take_the_place_of_those_of_the_run(project, cells):
    labels = project.run(cells("a.tif"))
    parameters = project.revisions[0].parameters.model_copy(update={"min_size": 99})
    project.add("threshold", labels, parameters)
    project.edit(labels, 3)
    made = project.made(3)
    assert made.base.id == 2
    assert made.record.parameters.min_size == 99
    assert made.record.masks_sha256 == ""
    assert made.record.model == project.record.model


def test_edits_are_listed_in_their_order_since_the_run(project, cells):
    labels = project.run(cells("a.tif"))
    labels = project.edit(labels, 3)
    labels = project.edit(labels, 5, "Merge cells")
    project.add("threshold", labels, project.revisions[0].parameters)
    project.edit(labels, 7, "Fill")
    made = project.made(5)
    assert [e.operation for e in made.edits] == ["Delete cell", "Merge cells", "Fill"]
    assert [e.operation for e in made.hand.after] == ["Fill"]
    assert [r.id for r in made.edited] == [5]
    assert [r.id for r in project.made(3).edited] == [2, 3]


def test_an_operation_is_a_change_by_hand_unless_it_changes_no_pixel(project, cells):
    labels = project.run(cells("a.tif"))
    labels = project.edit(labels, 3)
    parameters = project.revisions[0].parameters
    for number, text in ((3, "Relabel cells"), (4, "Forget corrections of 2 cells")):
        labels = project.add("operation", labels + (labels > 0), parameters)
        entry = JournalEntry(
            id=number,
            label_set=1,
            base=number - 1,
            operation=text,
            cells=(),
            time=NOON,
            head=number,
        )
        file = open_project(project.path)
        write_entry(file.db, entry)
        file.close()
    made = project.made(4)
    assert made.base.id == 1
    assert made.record == project.record
    assert [e.operation for e in made.edits] == ["Delete cell", "Relabel cells"]
    # The edits before it are those of cells with other ids.
    assert made.edited == ()
    assert project.replay(4).identical


def test_a_restored_revision_comes_from_where_the_old_one_did(project, cells):
    labels = project.run(cells("a.tif"))
    edited = project.edit(labels, 3)
    project.edit(edited, 4)
    project.add("restore", edited, project.revisions[1].parameters)
    made = project.made(4)
    assert (made.base.id, len(made.edits)) == (1, 1)
    assert project.replay(4).identical
    assert project.replay(4).edits_repeat is True


def test_a_restored_revision_that_is_no_copy_still_has_its_run(project, cells):
    labels = project.run(cells("a.tif"))
    project.edit(project.edit(labels, 3), 4)
    between = np.where(labels == 4, 0, labels).astype(np.uint32)
    project.add("restore", between, project.revisions[0].parameters)
    made = project.made(4)
    assert (made.base.id, made.edits) == (4, ())
    assert made.record.model == project.record.model
    result = project.replay(4)
    assert not result.identical
    assert len(result.comparison.added) == 1


def test_an_import_has_no_run(project, cells):
    labels = project.run(cells("a.tif"))
    project.add("import", labels, None, None, details={"model_path": "cyto"})
    project.edit(labels, 2)
    for revision in (2, 3):
        made = project.made(revision)
        assert made.record is None
        assert made.imported.details == {"model_path": "cyto"}
        with pytest.raises(NoRun, match="has no run: its masks were imported"):
            project.replay(revision)
        with pytest.raises(NoRun):
            recipe(made, "script")
    assert len(made.edits) == 1


def test_masks_drawn_by_hand_have_no_run(project, cells):
    labels = project.run(cells("a.tif"))
    project.revisions.clear()
    file = create_project(project.path.with_name("drawn.cpstudio"))
    image = StoredImage(id=1, image=open_images(cells("a.tif"))[0])
    write_image(file.db, image, project.path.parent)
    write_label_set(file.db, 1, 1, "cells")
    file.close()
    project.path = project.path.with_name("drawn.cpstudio")
    project.add("edit", labels, None, None)
    with pytest.raises(NoRun, match="has no run: its masks were made by hand"):
        project.replay(1)


def test_a_revision_that_is_not_there_is_named(project, cells):
    project.run(cells("a.tif"))
    with pytest.raises(ProjectUnusable, match="There is no revision 7 in this project"):
        project.replay(7)


def test_a_history_that_leads_nowhere_is_damaged(project, cells, monkeypatch):
    from cellpose_studio.workflows.provenance import origin as module

    labels = project.run(cells("a.tif"))
    project.edit(labels, 3)
    circular = replace(project.revisions[1], parent=2)
    monkeypatch.setattr(module, "read_revision", lambda *_: circular)
    with pytest.raises(ProjectDamaged, match="a part of the history is missing"):
        project.made(2)


# Running again


def test_the_same_masks_come_out(project, cells):
    project.run(cells("a.tif"))
    result = project.replay(1)
    assert result.identical
    assert result.run_identical is True
    assert result.comparison.pixels == 0
    assert (result.image_changed, result.edits_repeat, result.notes) == (
        False,
        None,
        (),
    )
    assert result.sentences == (
        "Identical: all 12 cells are the same, pixel by pixel.",
    )


@pytest.mark.parametrize(
    ("shape", "axes", "given"),
    [
        ((3, 2, 64, 64), "ZCYX", {"channels": (2, 0), "stitch_threshold": 0.3}),
        ((2, 3, 32, 48), "TZYX", {"exclude_on_edges": True, "niter": 77}),
        ((4, 48, 48), "ZYX", {"do_3D": True, "flow3D_smooth": 1.0}),
    ],
    ids=str,
)
def test_stacks_and_films_come_out_the_same(project, cells, shape, axes, given):
    project.run(cells("a.tif", shape, axes), **given)
    assert project.replay(1).run_identical is True


def test_axes_that_the_user_said_hold_again(project, tmp_path):
    noise = np.random.default_rng(0).integers(0, 99, (6, 40, 44)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", noise)
    project.run(tmp_path / "a.tif", "TYX")
    assert project.replay(1).identical


def test_masks_of_other_thresholds_come_out_the_same(project, cells):
    project.run(cells("a.tif"))
    parameters = project.revisions[0].parameters.model_copy(
        update={"cellprob_threshold": 1.5, "flow_threshold": 0.2}
    )
    project.add("threshold", project.maker.masks(parameters, QUIET), parameters)
    result = project.replay(2)
    assert result.identical
    assert result.run_identical is None


def test_edits_are_applied_to_the_same_masks(project, cells):
    labels = project.run(cells("a.tif"))
    project.edit(project.edit(labels, 3), 5)
    result = project.replay(3)
    assert result.identical
    assert result.edits_repeat is True
    assert result.sentences[1] == (
        "The 2 edits by hand that came after give revision 3."
    )


def test_edits_that_do_not_lead_to_the_revision_are_told_of(project, cells):
    labels = project.run(cells("a.tif"))
    after = np.where(labels == 3, 0, labels).astype(np.uint32)
    whole = tuple(slice(0, n) for n in labels.shape)
    edit = edit_between("Delete cell", [3], labels, whole, after)
    project.add("edit", labels, None, 1, [edit])
    result = project.replay(2)
    assert result.edits_repeat is False
    assert "the journal is not complete" in result.sentences[1]


def test_edits_that_are_damaged_are_told_of(project, cells):
    project.edit(project.run(cells("a.tif")), 3)
    file = open_project(project.path)
    file.db.execute("UPDATE journal SET delta = zeroblob(9)")
    file.close()
    with pytest.raises(ProjectDamaged, match="the edits of a revision"):
        project.replay(2)


def test_other_numbers_of_the_same_cells_are_no_difference(project, cells):
    labels = project.run(cells("a.tif"))
    ids = np.array([0, *range(50, 38, -1)], np.uint32)
    project.add("run", ids[labels], project.revisions[0].parameters)
    assert project.replay(2).comparison.pixels == 0


def test_cells_that_were_kept_are_not_taken_for_a_difference(project, cells):
    labels = project.run(cells("a.tif"))
    kept = labels.copy()
    kept[40:44, 30:34] = 77
    project.add("run", kept, project.revisions[0].parameters)
    result = project.replay(2)
    assert result.identical
    assert result.comparison.pixels > 0
    assert "also contains cells that were kept" in result.sentences[0]


def test_an_image_that_has_changed_is_told_of(project, cells, tmp_path):
    path = cells("a.tif")
    project.run(path)
    pixels = tifffile.imread(path)
    pixels[:32, :32] = 100
    resolution = {"resolution": (4, 4), "metadata": {"axes": "YX", "unit": "um"}}
    tifffile.imwrite(path, pixels, imagej=True, **resolution)
    result = project.replay(1)
    assert result.image_changed
    assert not result.identical
    assert result.sentences[0].startswith("Different: 12 cells then, 11 now; ")
    assert result.sentences[-1] == ("The pixels of a.tif have changed since the run.")


def test_what_opening_the_image_tells_is_told_again(project, cells, tmp_path):
    """As of an acquisition that was stopped: two of its three time points are there."""
    pixels = tifffile.imread(cells("a.tif"))[:40, :40]
    path = tmp_path / "stopped.ome.tif"
    ome = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/'
        '2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
        f'Type="{pixels.dtype}" SizeX="40" SizeY="40" SizeZ="1" SizeC="1" SizeT="3">'
        '<Channel ID="C:0" SamplesPerPixel="1"/><TiffData/></Pixels></Image></OME>'
    )
    tifffile.imwrite(path, np.stack([pixels, pixels]), description=ome, metadata=None)
    project.run(path)
    result = project.replay(1)
    assert result.identical
    [told] = [one for one in result.sentences if "is not complete" in one]
    assert told.startswith("stopped.ome.tif is not complete: it was to have ")


def test_a_file_that_was_written_anew_with_the_same_pixels_has_not_changed(
    project, cells
):
    path = cells("a.tif")
    project.run(path)
    tifffile.imwrite(path, tifffile.imread(path), compression="zlib")
    result = project.replay(1)
    assert result.identical
    assert not result.image_changed


def test_an_image_of_another_size_is_refused(project, cells):
    path = cells("a.tif")
    project.run(path)
    cells("a.tif", (64, 64))
    with pytest.raises(ImageUnreadable, match="a different image"):
        project.replay(1)


def test_an_image_that_is_missing_is_named(project, cells):
    path = cells("a.tif")
    project.run(path)
    path.unlink()
    with pytest.raises(ImageUnreadable, match=r"a\.tif does not exist in "):
        project.replay(1)


@pytest.fixture
def own_model(tmp_path):
    torch.manual_seed(5)
    net = UNet((2, 4, 8))
    net.diam_mean.data[:] = net.diam_labels.data[:] = 20.0
    save_weights(net, tmp_path / "own")
    return find(str(tmp_path / "own"))


def test_own_weights_are_found_by_their_hash(project, cells, own_model):
    project.run(cells("a.tif"), model=own_model, cellprob_threshold=-6)
    assert project.replay(1).identical
    save_weights(UNet((2, 4, 8)), own_model.path)
    with pytest.raises(ModelUnusable, match="now contains other weights"):
        project.replay(1)
    own_model.path.unlink()
    with pytest.raises(ModelUnusable, match="The weights of own are no longer at"):
        project.replay(1)


def test_a_file_of_the_weights_that_ship_now_is_found_anywhere(project, cells):
    project.run(cells("a.tif"))
    moved = {"path": "/nowhere", "source": "file"}
    assert find_model(project.record.model.model_copy(update=moved)) == shipped()[0]
    other = project.record.model.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(ModelUnusable, match="is now shipped with other weights"):
        find_model(other)


def test_what_is_not_as_it_was_is_told_of(project, cells):
    def elsewhere(record):
        versions = {**record.versions, "torch": "1.0", "gone": "2"}
        changes = {"device": "cuda:7", "device_title": "Big GPU", "versions": versions}
        return record.model_copy(update=changes)

    project.run(cells("a.tif"), change=elsewhere)
    result = project.replay(1)
    assert result.identical
    assert result.notes == (
        "The run used Big GPU; this time the CPU was used.",
        f"The run was made with other versions: torch 1.0 (now {torch.__version__}), "
        "gone 2 (now not installed).",
    )


def test_the_threads_of_the_run_are_used_and_then_as_many_as_before(
    project, cells, monkeypatch
):
    from cellpose_studio.workflows.provenance import run_again

    used = []

    def spy(*arguments, **more):
        used.append((torch_threads(), more["precision"]))
        return segment(*arguments, **more)

    monkeypatch.setattr(run_again, "segment", spy)
    change = {"threads": torch_threads() + 1}
    project.run(cells("a.tif"), change=lambda r: r.model_copy(update=change))
    before = torch_threads()
    project.replay(1)
    assert used == [(before + 1, "float32")]
    assert torch_threads() == before


def test_nothing_is_left_open(project, cells):
    project.run(cells("a.tif"))
    project.replay(1)
    project.path.rename(project.path.with_name("moved.cpstudio"))
    assert not list(project.path.parent.glob(".*"))


def test_a_real_image_comes_out_the_same(project, shared_data):
    project.run(shared_data / "2d_nuclei_fluo" / "nuc_003cee.tif", diameter=None)
    result = project.replay(1)
    assert result.run_identical is True
    assert result.cells > 20
    assert masks_sha256(project.maker.masks(project.record.parameters, QUIET)) == (
        project.record.masks_sha256
    )


def test_tiles_are_run_as_in_the_version_that_made_the_record(
    project, cells, monkeypatch
):
    used = []
    real = run_again.segment

    def watched(*arguments, **more):
        used.append(more["engine"])
        return real(*arguments, **more)

    monkeypatch.setattr(run_again, "segment", watched)
    change = {"engine": "", "masks_sha256": ""}
    project.run(cells("a.tif"), change=lambda r: r.model_copy(update=change))
    assert project.replay(1).made.record.engine_used == "shared-tiles"
    assert used == ["shared-tiles"]
