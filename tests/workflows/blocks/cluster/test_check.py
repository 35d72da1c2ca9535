"""What does not do for a run is told in a sentence before it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from distributed import Security

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ClusterUnusable
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.workflows.blocks.cluster import check, dask_client
from cellpose_studio.workflows.blocks.cluster.check import check_scheduler
from cellpose_studio.workflows.blocks.cluster.choice import ClusterChoice
from cellpose_studio.workflows.blocks.cluster.cluster import open_cluster
from tests.workflows.blocks.cluster.processes import local_cluster


@contextmanager
def worker(address, cwd, **environment):
    """Start a worker as an administrator does."""
    command = ["-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    process = subprocess.Popen(
        [sys.executable, *command, "--no-nanny", "--no-dashboard", "--name", "node7"],
        cwd=cwd,
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def empty():
    """Return a scheduler without workers."""
    with local_cluster(processes=False, n_workers=0) as cluster:
        yield cluster.scheduler_address


def refused(*given):
    with pytest.raises(ClusterUnusable) as said:
        check_scheduler(*given)
    return str(said.value)


def test_what_is_no_scheduler_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_client, "_TIMEOUT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    assert f"{address} could not be reached" in refused(address, tmp_path)
    wrong = tmp_path / "config.yaml"
    wrong.write_text("{")
    assert "cannot be read as a configuration" in refused(
        "tcp://x:1", tmp_path, None, wrong
    )


def test_a_scheduler_without_workers_is_told(empty, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "WAIT", 0.3)
    assert "has no workers" in refused(empty, tmp_path)


@pytest.mark.slow
def test_a_worker_with_another_version_is_told(empty, tmp_path):
    other = tmp_path / "other" / "torch-1.2.3.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torch\nVersion: 1.2.3\n"
    )
    path = os.pathsep.join([str(other.parent), os.environ.get("PYTHONPATH", "")])
    with worker(empty, tmp_path, PYTHONPATH=path):
        said = refused(empty, tmp_path)
    assert "The worker node7 has torch 1.2.3, and this computer" in said


@pytest.mark.slow
def test_an_engine_that_a_worker_does_not_have_is_told(empty, tmp_path, monkeypatch):
    here = tmp_path / "here"
    for folder in ("openvino", "openvino-1.2.3.dist-info"):
        (here / folder).mkdir(parents=True)
    (here / "openvino" / "__init__.py").touch()
    (here / "openvino-1.2.3.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: openvino\nVersion: 1.2.3\n"
    )
    monkeypatch.syspath_prepend(here)
    choice = ClusterChoice(address=empty, folder=tmp_path / "state")
    with (
        worker(empty, tmp_path),
        open_cluster(choice, Checkpoint()) as cluster,
        pytest.raises(ClusterUnusable) as said,
    ):
        cluster.network(shipped()[0], CPU, None, "openvino", Checkpoint())
    assert "The worker node7 has " in said.value.message
    assert "openvino" in said.value.message
    assert said.value.message.endswith("and this computer 1.2.3.")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
def test_a_folder_that_a_worker_does_not_see_is_told(empty, tmp_path, monkeypatch):
    # One path, but another folder in each process: as with drives of two computers.
    path = Path("/proc/self/cwd/state")
    (tmp_path / "worker" / "state").mkdir(parents=True)
    (tmp_path / "client").mkdir()
    monkeypatch.chdir(tmp_path / "client")
    with worker(empty, tmp_path / "worker"):
        said = refused(empty, path)
        assert f"The worker node7 does not see the folder {path}" in said
        report = check_scheduler(empty, tmp_path / "both", Checkpoint())
    assert report.text == "1 worker on 1 computer: 1 × CPU"
    for folder in (tmp_path / "client", tmp_path / "worker", tmp_path / "both"):
        assert not [*folder.rglob("probe*")]


@pytest.mark.slow
def test_certificates_are_those_of_the_configuration(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=studio",
    ]
    subprocess.run(
        ["openssl", *make, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    files = {"cert": str(certificate), "key": str(key)}
    config = tmp_path / "dask.yaml"
    tls = {"ca-file": str(certificate), "client": files}
    config.write_text(yaml.safe_dump({"distributed": {"comm": {"tls": tls}}}))
    security = Security(
        tls_ca_file=str(certificate),
        tls_scheduler_cert=str(certificate),
        tls_scheduler_key=str(key),
        tls_worker_cert=str(certificate),
        tls_worker_key=str(key),
        tls_client_cert=str(certificate),
        tls_client_key=str(key),
        require_encryption=True,
    )
    with local_cluster(protocol="tls", security=security, processes=False) as secure:
        address = secure.scheduler_address
        assert address.startswith("tls://")
        assert "could not be reached" in refused(address, tmp_path)
        report = check_scheduler(address, tmp_path, Checkpoint(), config)
    assert len(report.workers) == 2
