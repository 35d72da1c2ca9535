"""Asking for a newer version, of a real server and through a real proxy on loopback."""

from __future__ import annotations

import itertools
import socket
import ssl
import subprocess
import sys
import time

import pytest

from cellpose_studio.io.support.updates import Update, newest, page_of
from cellpose_studio.io.support.web import NoAnswer, host_of, proxy_for
from tests.io.support.servers import pass_on, releases, send, server

PROXIES = [f"{kind}_proxy" for kind in ("http", "https", "all", "no", "ftp", "socks")]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """Start without a proxy, whatever the machine has."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def answer(body, **how):
    return lambda handler: send(handler, body, **how)


def ask(body, installed="1.0", **how):
    with server(answer(body, **how)) as (address, _):
        return newest(address, installed, timeout=300)


def refused(body, **how):
    with pytest.raises(NoAnswer) as raised:
        ask(body, **how)
    return raised.value


@pytest.mark.parametrize(
    ("installed", "offered", "best", "newer"),
    [
        ("1.0", ("1.0", "0.9"), "1.0", False),
        ("1.9", ("1.9", "1.10"), "1.10", True),
        ("1.0", ("1.0", "1.0.post1"), "1.0.post1", True),
        ("1.0", ("1.0.0",), "1.0.0", False),
        # Pre-releases are for those who run one.
        ("1.0", ("1.0", "2.0rc1", "2.0.dev3"), "1.0", False),
        ("2.0b1", ("1.0", "2.0rc1"), "2.0rc1", True),
        ("2.0rc1", ("1.0", "2.0rc1", "2.0"), "2.0", True),
        ("3.0.dev1", ("1.0", "2.0"), "2.0", False),
        ("1.0", ("1.0", "not a version", "1!0.1"), "1!0.1", True),
    ],
)
def test_versions_are_compared_as_python_does(installed, offered, best, newer):
    update = ask(releases(*offered), installed)
    assert update == Update(installed=installed, newest=best)
    assert update.is_newer == newer


def test_only_what_can_be_installed_here_counts():
    files = {
        "3.0": [],
        "4.0": [{"requires_python": ">=99"}],
        "5.0": [{"requires_python": None, "yanked": True}],
        "6.0": [{"requires_python": ">=99"}, {"requires_python": "", "yanked": False}],
    }
    assert ask(releases("2.0", **files)).newest == "6.0"
    del files["6.0"]
    assert ask(releases("2.0", **files)).newest == "2.0"
    message = str(refused(releases(**files)))
    assert "offers no version for this computer's Python" in message


def test_nothing_is_sent_but_the_request():
    with server(answer(releases("2.0"))) as (address, asked):
        newest(address, "1.0")
        (request,) = asked
        assert (request.command, request.path) == ("GET", "/pypi/cellpose-studio/json")
        assert dict(request.headers) == {
            "Accept-Encoding": "identity",
            "Host": address.removeprefix("http://"),
            "User-Agent": "cellpose-studio",
            "Accept": "application/json",
            "Connection": "close",
        }
        assert host_of(address) == "127.0.0.1"
        assert page_of(address) == f"{address}/project/cellpose-studio/"


@pytest.mark.parametrize(
    ("body", "how", "said"),
    [
        ("{", {}, "cannot be understood"),
        ("<html>Please log in</html>", {}, "cannot be understood"),
        ("[]", {}, "cannot be understood"),
        ('{"releases": [1]}', {}, "cannot be understood"),
        ('{"releases": {"1.0": [1]}}', {}, "cannot be understood"),
        ("[" * 200_000, {}, "cannot be understood"),
        ("\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), {}, "cannot be"),
        ("", {}, "cannot be understood"),
        ("x" * 9_000_000, {}, "too long"),
        ("", {"code": 404}, "does not know Cellpose Studio"),
        ("", {"code": 403}, "refuses the request (error 403)"),
        ("", {"code": 503}, "busy or out of order (error 503)"),
        ("", {"code": 429}, "busy or out of order (error 429)"),
        ("", {"code": 302, "headers": {"Location": "http://localhost:1/in"}}, "refers"),
        ("", {"code": 302, "headers": {"Location": "file:///etc/passwd"}}, "refuses"),
    ],
)
def test_a_bad_answer_is_said_in_a_sentence(body, how, said):
    error = refused(body, **how)
    assert said in error.message
    assert error.message.startswith("127.0.0.1") or "of 127.0.0.1" in error.message
    assert error.hint or "too long" in said


def test_a_redirection_on_the_same_host_is_followed():
    def moved(handler):
        if handler.path == "/moved":
            send(handler, releases("2.0"))
        else:
            send(handler, "", code=301, headers={"Location": "/moved"})

    with server(moved) as (address, _):
        assert newest(address, "1.0").newest == "2.0"


def test_a_server_that_hangs_up_is_said():
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{")

    for hang_up in (lambda _: None, cut):
        with server(hang_up) as (address, _), pytest.raises(NoAnswer) as raised:
            newest(address, "1.0")
        assert "The connection to 127.0.0.1 broke." in str(raised.value)


def test_what_is_no_web_server_is_said():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        code = (
            "import socket, sys\n"
            "one = socket.socket(fileno=int(sys.argv[1])).accept()[0]\n"
            "one.sendall(b'220 mail.example ESMTP\\r\\n')\n"
        )
        talker = subprocess.Popen(
            [sys.executable, "-c", code, str(listener.fileno())],
            pass_fds=[listener.fileno()],
        )
        with pytest.raises(NoAnswer, match="broke"):
            newest(address, "1.0")
        assert talker.wait(60) == 0


def test_a_server_that_is_silent_is_given_up(monkeypatch):
    limits, set_limit = [], socket.socket.settimeout
    monkeypatch.setattr(
        socket.socket,
        "settimeout",
        lambda one, limit: limits.append(limit) or set_limit(one, limit),
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(NoAnswer, match=r"127\.0\.0\.1 does not answer"):
            newest(address, "1.0", timeout=0.3)
    assert limits == [0.3]


def test_a_server_that_drips_can_be_left():
    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" ")
            time.sleep(0.01)

    asked = itertools.count()
    with (
        server(drip) as (address, _),
        pytest.raises(NoAnswer, match="cancelled"),
    ):
        newest(address, "1.0", stopped=lambda: next(asked) > 3)


def test_no_network_is_said():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NoAnswer, match=r"127\.0\.0\.1 refuses the connection"):
        newest(f"http://127.0.0.1:{port}", "1.0")
    with pytest.raises(NoAnswer, match=r"nowhere\.invalid was not found"):
        newest("https://nowhere.invalid", "1.0")
    with pytest.raises(NoAnswer, match="no address of a web site"):
        newest("file:///etc", "1.0")


def test_a_proxy_of_the_environment_is_used(monkeypatch):
    with (
        server(answer(releases("2.0"))) as (address, _),
        server(pass_on) as (
            proxy,
            passed,
        ),
    ):
        # For loopback, too, which some systems except from proxies.
        monkeypatch.setenv("http_proxy", proxy)
        assert newest(address, "1.0").newest == "2.0"
        (request,) = passed
        assert request.path == f"{address}/pypi/cellpose-studio/json"
        assert proxy_for(address) == proxy.removeprefix("http://")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert newest(address, "1.0").newest == "2.0"
        assert len(passed) == 1
        assert proxy_for(address) == ""


def test_a_password_of_a_proxy_is_used_and_not_shown(monkeypatch):
    with (
        server(answer(releases("2.0"))) as (address, _),
        server(pass_on) as (
            proxy,
            passed,
        ),
    ):
        host = proxy.removeprefix("http://")
        monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@{host}")
        newest(address, "1.0")
        assert passed[0].headers["Proxy-Authorization"].startswith("Basic ")
        assert proxy_for(address) == host


def test_a_proxy_that_refuses_is_said(monkeypatch):
    with server(answer("", code=407)) as (proxy, asked):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(NoAnswer, match="proxy asks for a password"):
            newest("https://pypi.invalid", "1.0")
        assert asked[0].path == "pypi.invalid:443"
    with server(answer("", code=403)) as (proxy, _):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(NoAnswer, match=r"does not let .* reach pypi\.invalid"):
            newest("https://pypi.invalid", "1.0")
    with pytest.raises(NoAnswer, match=r"The proxy 127\.0\.0\.1:\d+ refuses"):
        newest("https://pypi.invalid", "1.0")


def test_a_certificate_that_nobody_knows_is_refused(tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", key, "-out", certificate]
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("there is no openssl to make a certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with server(answer(releases("2.0")), context) as (address, _):
        with pytest.raises(NoAnswer) as raised:
            newest(address, "1.0")
        reason = "The connection to localhost is not safe: self"
        assert raised.value.message.startswith(reason)
        # One that the system trusts, as an institute's own; through a proxy, too.
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert newest(address, "1.0").newest == "2.0"
        with server(pass_on) as (proxy, passed):
            monkeypatch.setenv("HTTPS_PROXY", proxy)
            assert newest(address, "1.0").newest == "2.0"
            assert passed[0].command == "CONNECT"
