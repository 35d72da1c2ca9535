"""``segment --scheduler`` and ``--slurm``: the files that a local run writes."""

from __future__ import annotations

import os
import stat
import sys
import time

import psutil
import pytest

from cellpose_studio.cli.main import run
from cellpose_studio.workflows.blocks.cluster import dask_client
from tests.waiting import LONG
from tests.workflows.blocks.cluster.processes import local_cluster

SBATCH = """#!/bin/sh
# Runs a job here, as SLURM would elsewhere: {folder}
cp "$1" "{folder}/job-$$.sh"
setsid sh "$1" > "{folder}/job-$$.log" 2>&1 &
echo $! > "{folder}/pid-$$"
echo "Submitted batch job $!"
"""

SCANCEL = """#!/bin/sh
for job in "$@"; do kill -TERM -"$job" 2> /dev/null; done
exit 0
"""


@pytest.fixture(scope="module")
def scheduler():
    with local_cluster(processes=False) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def segmented(capsys, tmp_path):
    def call(*arguments, code=0):
        given = [*arguments, "--diameter", 20]
        assert run(["segment", *map(str, given)]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    return call


def lives(process):
    """Return whether a process still does something after a while."""
    ends = time.monotonic() + LONG
    while time.monotonic() < ends:
        try:
            if psutil.Process(process).status() == psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            return False
        time.sleep(0.2)
    return True


def files_in(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_images_and_blocks_are_shared_among_workers(
    segmented, cells, tmp_path, scheduler
):
    images = [cells("a.tif"), cells("b.tif", (150, 260)), cells("c.tif", (90, 70))]
    segmented(*images, "--out", tmp_path / "here", "--block-size", 128)
    cluster = (
        "--scheduler",
        scheduler,
        "--shared-folder",
        tmp_path / "state",
    )
    out = segmented(*images, "--out", tmp_path / "there", *cluster, "--block-size", 128)
    assert "Cluster: 2 workers on 1 computer" in out
    assert "b.tif: 2 blocks" in out
    assert "c.tif: 6 cells" in out
    assert files_in(tmp_path / "there") == files_in(tmp_path / "here")
    assert not files_in(tmp_path / "state")


def test_an_image_that_fails_on_a_worker_is_told(segmented, cells, tmp_path, scheduler):
    bad = tmp_path / "bad.tif"
    bad.write_bytes(cells("a.tif").read_bytes()[:5000])
    cluster = ("--scheduler", scheduler, "--shared-folder", tmp_path / "state")
    out = tmp_path / "out"
    said = segmented(bad, tmp_path / "a.tif", "--out", out, *cluster, code=1)
    assert "1 done, 1 failed" in said
    assert "bad.tif" in said
    assert [*files_in(out)] == ["a_cp_masks.tif"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--scheduler", "tcp://127.0.0.1:1"],
            "tcp://127.0.0.1:1 could not be reached",
        ),
        (["--scheduler", "gone.json"], "There is no scheduler file gone.json."),
        (["--jobs", "3"], "--jobs is for jobs of SLURM. Give --slurm as well."),
        (["--shared-folder", "x"], "are for runs on a cluster"),
        (["--slurm", "--queue", "gpu"], "Jobs of SLURM could not be prepared"),
    ],
)
def test_a_cluster_that_does_not_do_is_told_in_a_sentence(
    segmented, cells, tmp_path, options, sentence, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dask_client, "_TIMEOUT", 1.0)
    out = tmp_path / "out"
    said = segmented(cells("a.tif"), "--out", out, *options, code=2)
    assert said.startswith("cellpose-studio: ")
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not out.exists()


def test_a_whole_image_is_asked_for_by_0(segmented, cells, tmp_path):
    image = cells("a.tif", (150, 170))
    assert "blocks" not in segmented(image, "--block-size", 0, "--out", tmp_path / "o")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SLURM runs on Linux")
def test_jobs_of_slurm_are_started_and_ended(segmented, cells, tmp_path, monkeypatch):
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for name, text in {"sbatch": SBATCH, "scancel": SCANCEL}.items():
        program = jobs / name
        program.write_text(text.format(folder=jobs) if "{" in text else text)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{jobs}{os.pathsep}{os.environ['PATH']}")
    image = cells("a.tif", (150, 260))
    segmented(image, "--out", tmp_path / "here", "--block-size", 128)
    out = segmented(
        *(image, "--out", tmp_path / "there", "--block-size", 128),
        *("--slurm", "--jobs", 2, "--queue", "gpu", "--walltime", "01:00:00"),
        *("--job-memory", "4GB", "--job-cores", 1, "--account", "lab", "--job-gpu"),
        *("--job-extra=--constraint=a100", "--shared-folder", tmp_path / "state"),
    )
    assert "a.tif: 2 blocks" in out
    assert files_in(tmp_path / "there") == files_in(tmp_path / "here")
    script = next(iter(jobs.glob("job-*.sh"))).read_text()
    for line in (
        "-p gpu",
        "-A lab",
        "-t 01:00:00",
        "--cpus-per-task=1",
        "--gres=gpu:1",
        "--constraint=a100",
    ):
        assert f"#SBATCH {line}" in script
    for file in jobs.glob("pid-*"):
        assert not lives(int(file.read_text()))
