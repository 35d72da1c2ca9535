"""``cellpose-studio replay``: what it prints and returns."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile

from cellpose_studio.cli.main import run
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.file import create_project, read_project
from cellpose_studio.io.project.tables import images
from cellpose_studio.io.project.tables.images import (
    StoredImage,
    read_image_table,
    write_image,
)
from cellpose_studio.io.project.tables.label_chunks import write_labels
from cellpose_studio.io.project.tables.revisions import (
    set_head,
    write_label_set,
    write_revision,
)
from cellpose_studio.io.project.tables.runs import write_run
from cellpose_studio.workflows.provenance.run_record import record_of
from cellpose_studio.workflows.segment import segment

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def project(cells, tmp_path):
    """The path of a project: revision 1 is a run on a.tif, revision 2 an import."""
    return project_of(open_images(cells("a.tif"))[0], tmp_path)


def project_of(image, tmp_path):
    """Write a project: revision 1 is a run on an image, revision 2 an import."""
    parameters = SegmentationParameters(diameter=20)
    result = segment(image, shipped()[0], parameters, Checkpoint())
    path = tmp_path / "p.cpstudio"
    file = create_project(path)
    write_image(file.db, StoredImage(id=1, image=image), tmp_path)
    write_label_set(file.db, 1, 1, "cells")
    write_run(file.db, 1, 1, record_of(result, NOON))
    shape = result.labels.shape
    for revision in (
        LabelRevision(
            id=1,
            label_set=1,
            parent=None,
            kind="run",
            created=NOON,
            origin="a run",
            shape=shape,
            cells=12,
            run=1,
            parameters=result.parameters,
        ),
        LabelRevision(
            id=2,
            label_set=1,
            parent=1,
            kind="import",
            created=NOON,
            origin="from a_masks.tif",
            shape=shape,
            cells=12,
        ),
    ):
        write_revision(file.db, revision)
        write_labels(file.db, revision.id, Snapshot(result.labels))
    set_head(file.db, 1, 2, 12)
    file.close()
    return path


def test_identical_masks_are_exit_code_0(project):
    done = subprocess.run(
        [sys.executable, "-m", "cellpose_studio", "replay", str(project), "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Identical: all 12 cells are the same, pixel by pixel.\n"


def test_a_scene_of_a_microscope_is_replayed(cells, tmp_path, capsys):
    from pylibCZIrw import czi

    pixels = tifffile.imread(cells("a.tif"))
    path = tmp_path / "a.czi"
    with czi.create_czi(str(path)) as file:
        for scene, plane in enumerate((pixels // 2, pixels)):
            file.write(
                np.ascontiguousarray(plane[..., None]),
                scene=scene,
                location=(500 * scene, 0),
            )
    images = open_images(path)
    assert [image.scene for image in images] == ["Scene 1", "Scene 2"]
    project = project_of(images[1], tmp_path)
    with closing(read_project(project)) as file:
        ((stored,),) = [list(read_image_table(file.db, tmp_path))]
        assert stored.image.scene == "Scene 2"
        assert stored.image.fingerprint == images[1].fingerprint
        assert np.array_equal(stored.image.plane(0, 0, 0), pixels)
    assert run(["replay", str(project), "1"]) == 0
    assert capsys.readouterr().out.startswith("Identical: ")


def test_other_masks_are_exit_code_3(project, capsys):
    path = project.with_name("a.tif")
    pixels = tifffile.imread(path)
    pixels[:32, :32] = 100
    tifffile.imwrite(path, pixels)
    assert run(["replay", str(project), "1"]) == 3
    said = capsys.readouterr().out
    assert said.startswith("Different: 12 cells then, 11 now; ")
    assert "The pixels of a.tif have changed since the run." in said


def test_the_methods_of_several_revisions_and_of_all_images(
    project, capsys, monkeypatch
):
    tables, read = [], images.read_image_table
    monkeypatch.setattr(
        images, "read_image_table", lambda *given: tables.append(1) or read(*given)
    )
    assert run(["replay", str(project), "--as", "methods", "all"]) == 0
    assert tables == [1]
    told = "Masks were imported from a_masks.tif, with Cellpose Studio. 12 cells were"
    assert capsys.readouterr().out.startswith(told)
    assert run(["replay", str(project), "1,2", "--as", "methods"]) == 0
    first, second, references = capsys.readouterr().out.split("\n\n")
    assert first.startswith("Cells in a.tif were segmented with Cellpose Studio")
    assert second.startswith(told)
    assert references.startswith("References\n")
    assert run(["replay", str(project), "1", "--as", "json"]) == 0
    record = json.loads(capsys.readouterr().out)["record"]
    assert 0 < record["steps_needed"] <= record["steps"]
    assert run(["replay", str(project), "all"]) == 2
    assert "Several revisions need --as methods." in capsys.readouterr().err


@pytest.mark.parametrize("more", [(), ("--as", "command")], ids=str)
def test_an_import_is_exit_code_2(project, capsys, more):
    assert run(["replay", str(project), "2", *more]) == 2
    assert capsys.readouterr().err == (
        "cellpose-studio: Revision 2 has no run: its masks were imported from "
        "a_masks.tif.\n"
    )


def test_a_revision_or_a_project_that_is_not_there_is_told_of(project, capsys):
    assert run(["replay", str(project), "9"]) == 2
    # A command says what it knows itself; it sends nobody to a tab of the window.
    assert capsys.readouterr().err == (
        "cellpose-studio: There is no revision 9 in this project. Those of its masks "
        "at present: 2.\n"
    )
    assert run(["replay", str(project.with_name("q.cpstudio")), "1"]) == 2
    assert "q.cpstudio does not exist in " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("command", "cellpose-studio segment "),
        ("script", '"""Make the masks of a.tif as on '),
        ("methods", "Cells in a.tif were segmented with Cellpose Studio"),
        ("json", "{"),
    ],
)
def test_how_masks_were_made_can_be_printed(project, capsys, kind, start):
    project.with_name("a.tif").unlink()
    assert run(["replay", str(project), "1", "--as", kind]) == 0
    said = capsys.readouterr().out
    assert said.startswith(start)
    if kind == "json":
        record = RunRecord.model_validate(json.loads(said)["record"])
        assert record.cells == 12
    if kind == "methods":
        assert "That model was trained on 35 images with 1673 cells (nuclei in" in said


def test_printing_needs_no_torch(project):
    code = (
        "import sys; from cellpose_studio.cli.main import run; "
        f"run(['replay', {str(project)!r}, '1', '--as', 'methods']); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_help_tells_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        run(["replay", "--help"])
    assert "3: different" in capsys.readouterr().out
