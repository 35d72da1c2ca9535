"""Downloads of one file, from a real server on loopback that behaves well or badly."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.support.downloads.fetch import Wanted, fetch, partial_path
from cellpose_studio.io.support.web import NoAnswer
from tests.io.support.downloads.file_servers import FileServer, server
from tests.io.support.servers import pass_on, send
from tests.waiting import HOURS, LONG, ended

CONTENT = bytes(range(256)) * 8000 + b"end"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def files():
    server = FileServer({"cyto3": CONTENT})
    yield server
    server.go_on.set()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "models" / "cyto3"


def get(address, target, checkpoint=None, timeout=60.0, **known):
    wanted = Wanted(url=f"{address}/models/cyto3", what="cyto3", **known)
    return fetch(wanted, target, checkpoint or Checkpoint(), timeout)


def refused(address, target, **how):
    with pytest.raises(NoAnswer) as raised:
        get(address, target, **how)
    assert not target.exists()
    return raised.value


def test_a_file_arrives_whole_with_its_hash_and_progress(files, target):
    reports = []
    with server(files) as (address, _):
        found = get(
            address, target, Checkpoint(lambda *r: reports.append(r)), size=len(CONTENT)
        )
    assert found == SHA256
    assert target.read_bytes() == CONTENT
    done = [r[0] for r in reports if r[2] == "kB of cyto3"]
    assert done == sorted(done)
    assert done[-1] == len(CONTENT) // 1000
    # Neither a part nor notes on one are left.
    left = {path.name for path in target.parent.iterdir()}
    assert left <= {"cyto3", ".cyto3.lock"}


def test_a_file_that_is_there_is_not_downloaded_again(files, target):
    target.parent.mkdir()
    target.write_bytes(b"mine")
    with server(files) as (address, _):
        assert get(address, target) == hashlib.sha256(b"mine").hexdigest()
    assert files.asked == []
    assert target.read_bytes() == b"mine"


@given(cut=st.integers(0, len(CONTENT) - 1))
@settings(max_examples=15)
def test_cut_off_anywhere_it_goes_on_from_there(tmp_path_factory, cut):
    target = tmp_path_factory.mktemp("cut") / "cyto3"
    files = FileServer({"cyto3": CONTENT})
    files.cut_after = cut
    with server(files) as (address, _):
        error = refused(address, target, sha256=SHA256)
        assert "broke" in error.message
        assert partial_path(target).stat().st_size == cut
        files.cut_after = None
        assert get(address, target, sha256=SHA256) == SHA256
    assert target.read_bytes() == CONTENT
    assert files.asked[1][1] == (f"bytes={cut}-" if cut else None)


@pytest.mark.parametrize(
    "how",
    [
        "no ranges",
        "changed",
        "changed without a version",
        "changed as long without a version",
        "changed as long and the version is not heeded",
    ],
)
def test_what_cannot_be_resumed_is_downloaded_from_the_start(files, target, how):
    files.cut_after = 100_000
    files.version = "" if "without" in how else files.version
    with server(files) as (address, _):
        refused(address, target)
        files.cut_after = None
        files.ranges = how != "no ranges"
        if "changed" in how:
            new = CONTENT[::-1]
            files.files["cyto3"] = new if "as long" in how else new + b"new"
            files.heeds_version = "heeded" not in how
            files.version = "" if "without" in how else '"2"'
        get(address, target)
    assert target.read_bytes() == files.files["cyto3"]


def test_a_part_that_is_complete_already_needs_no_more(files, target):
    files.cut_after = len(CONTENT) - 1
    with server(files) as (address, _):
        refused(address, target)
        with partial_path(target).open("ab") as part:
            part.write(CONTENT[-1:])
        assert get(address, target, sha256=SHA256) == SHA256


def test_a_wrong_hash_is_refused_and_the_next_try_is_a_new_one(files, target):
    files.files["cyto3"] = CONTENT[:-1] + b"?"
    with server(files) as (address, _):
        error = refused(address, target, sha256=SHA256)
        assert error.message == (
            "127.0.0.1 sent another file than the known cyto3: its SHA-256 differs."
        )
        assert not partial_path(target).exists()
        files.files["cyto3"] = CONTENT
        assert get(address, target, sha256=SHA256) == SHA256


def test_another_length_than_the_published_one_is_refused_at_once(files, target):
    with server(files) as (address, _):
        error = refused(address, target, size=len(CONTENT) + 1)
        assert "2,048,003 bytes instead of 2,048,004" in error.message


def test_a_length_that_is_too_long_counts_as_cut_off(files, target):
    files.announces = len(CONTENT) + 10
    with server(files) as (address, _):
        assert "broke after 2,048,003 of 2,048,013" in refused(address, target).message


def test_more_than_what_was_announced_is_not_taken(files, target):
    files.announces = 1000
    with server(files) as (address, _):
        get(address, target)
    assert target.read_bytes() == CONTENT[:1000]
    target.unlink()
    files.announces = ""
    with server(files) as (address, _):
        error = refused(address, target, size=1000)
    assert "sends more than the 1,000 bytes of cyto3" in error.message


def test_without_length_size_and_hash_a_part_could_pass_for_all(files, target):
    files.announces = ""
    with server(files) as (address, _):
        assert "does not say how long cyto3 is" in refused(address, target).message
        assert get(address, target, sha256=SHA256) == SHA256


def test_a_page_to_log_in_is_no_model(files, target):
    files.kind = "text/html; charset=utf-8"
    with server(files) as (address, _):
        error = refused(address, target)
    assert "sent a web page in the place of cyto3" in error.message


def test_a_missing_file_is_said(target):
    with server(FileServer({})) as (address, _):
        assert refused(address, target).message == "127.0.0.1 has no file cyto3."


def redirecting(files, to):
    def before(handler):
        if not handler.path.startswith("/models"):
            return False
        send(handler, "", 302, {"Location": to(handler)})
        return True

    files.before = before


def test_a_redirection_to_another_host_is_followed_also_by_the_rest(files, target):
    redirecting(
        files, lambda h: f"http://localhost:{h.server.server_port}/elsewhere/cyto3"
    )
    files.cut_after = 5000
    with server(files) as (address, asked):
        refused(address, target)
        files.cut_after = None
        assert get(address, target, sha256=SHA256) == SHA256
        assert asked[-1].headers["Range"] == "bytes=5000-"


@pytest.mark.parametrize(
    "to", ["http://example.org/cyto3", "ftp://127.0.0.1/cyto3", "file:///etc/passwd"]
)
def test_a_redirection_to_what_is_not_safe_is_refused(files, target, to):
    redirecting(files, lambda _: to)
    with server(files) as (address, _):
        refused(address, target)


def test_plain_http_is_for_this_computer_only(target):
    assert "without encryption" in refused("http://example.org", target).message


def test_an_address_with_a_password_is_refused_without_saying_it(target):
    error = refused("https://me:secret@127.0.0.1", target)
    assert "127.0.0.1" in error.message
    assert "secret" not in f"{error.message} {error.hint}"


def test_from_https_nothing_leads_to_http(files, target, tmp_path, monkeypatch):
    import ssl

    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    paths = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names, *paths], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with server(files) as (plain, _):
        redirecting(files, lambda _: f"{plain}/elsewhere/cyto3")
        with server(files, context) as (address, _):
            error = refused(address, target)
            assert "without encryption, which is not safe" in error.message
            files.before = lambda _: False
            assert get(address, target) == SHA256


def test_a_server_that_stalls_is_given_up(files, target):
    files.stall_after = 1000
    with server(files) as (address, _):
        error = refused(address, target, timeout=2)
    assert error.message == "127.0.0.1 does not answer."
    assert partial_path(target).stat().st_size == 1000


def test_cancelling_does_not_wait_for_a_server_that_stalls(files, target):
    files.stall_after = 1000
    checkpoint = Checkpoint()
    part = partial_path(target)

    def stop() -> None:
        while not (part.exists() and part.stat().st_size == 1000):
            time.sleep(0.05)
        checkpoint.stop()

    threading.Thread(target=stop, daemon=True).start()
    with server(files) as (address, _):
        with pytest.raises(Cancelled):
            ended(lambda: get(address, target, checkpoint, timeout=HOURS))
        # What has arrived is kept.
        assert part.stat().st_size == 1000
        files.stall_after = None
        assert get(address, target) == SHA256


_CHILD = """
import sys
from pathlib import Path
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.support.downloads.fetch import Wanted, fetch
try:
    print(fetch(Wanted(url=sys.argv[1], what="cyto3"), Path(sys.argv[2]), Checkpoint()))
except StudioError as error:
    print(error.message)
"""


def child(address, target, **how):
    command = [sys.executable, "-c", _CHILD, f"{address}/models/cyto3", str(target)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **how)


def test_two_programs_do_not_download_the_same_at_once(files, target):
    entered, go_on = threading.Event(), threading.Event()

    def before(_handler):
        entered.set()
        go_on.wait(60)
        return False

    files.before = before
    with server(files) as (address, _):
        first = child(address, target)
        assert entered.wait(60)
        error = refused(address, target)
        assert error.message == "Another program is downloading cyto3 already."
        go_on.set()
        assert first.communicate(timeout=LONG)[0].strip() == SHA256
        assert get(address, target) == SHA256
    assert len(files.asked) == 1


def test_after_a_kill_the_next_program_goes_on(files, target):
    files.stall_after = 300_000
    with server(files) as (address, _):
        first = child(address, target)
        while not (
            partial_path(target).exists() and partial_path(target).stat().st_size
        ):
            assert first.poll() is None
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.wait()
        files.stall_after = None
        assert get(address, target, sha256=SHA256) == SHA256
    assert files.asked[1][1].startswith("bytes=")


@pytest.mark.skipif(os.name == "nt", reason="limits are those of POSIX")
def test_a_full_disk_is_said_and_what_has_arrived_is_kept(files, target):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))

    with server(files) as (address, _):
        said = child(address, target, preexec_fn=limit).communicate(timeout=LONG)[0]
        assert said.strip() == (
            "cyto3 could not be saved: the disk takes no file as large as this."
        )
        assert 0 < partial_path(target).stat().st_size <= 700_000
        assert get(address, target, sha256=SHA256) == SHA256


def test_room_on_the_disk_is_looked_at_before(files, target, monkeypatch):
    import shutil

    usage = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with server(files) as (address, _):
        error = refused(address, target)
    assert error.message == "cyto3 needs 2 MB more, and the disk has 1 MB free."


def test_a_folder_that_cannot_be_made_is_said(files, tmp_path):
    (tmp_path / "file").touch()
    with server(files) as (address, _), pytest.raises(CannotSave):
        get(address, tmp_path / "file" / "cyto3")


def test_a_proxy_of_the_environment_is_used_and_its_password_never_said(
    files, target, monkeypatch, caplog
):
    with server(pass_on) as (proxy, through):
        secret = proxy.replace("http://", "http://me:secret@")
        monkeypatch.setenv("http_proxy", secret)
        files.files["cyto3"] = CONTENT[:1000].decode("latin-1").encode("utf-8")[:900]
        with server(files) as (address, _):
            # As text, since the proxy of the tests passes on nothing else.
            files.files["cyto3"] = b"plain text"
            get(address, target)
        assert [one.path for one in through] == [f"{address}/models/cyto3"]
        target.unlink()
    error = refused(address, target)
    assert "refuses the connection" in error.message
    assert "secret" not in f"{error} {caplog.text}"
