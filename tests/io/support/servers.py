"""A package index and a proxy on loopback."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


def releases(*versions: str, **others: list[dict]) -> dict:
    """Return what the index says of versions; ``others`` come with their files."""
    files = {version: [{"requires_python": ">=3.11"}] for version in versions}
    return {"releases": files | others}


def send(
    handler: BaseHTTPRequestHandler,
    body: object,
    code: int = 200,
    headers: dict[str, str] | None = None,
) -> None:
    """Answer with JSON, or with text as it is."""
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    handler.send_response(code)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


@contextmanager
def server(
    answer: Answer, context: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[BaseHTTPRequestHandler]]]:
    """Serve ``answer`` on loopback; yield the address and the requests so far.

    With a ``context`` the address is one of HTTPS.
    """
    asked: list[BaseHTTPRequestHandler] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self)
            answer(self)

        def do_CONNECT(self) -> None:
            asked.append(self)
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """Say nothing of clients that leave."""

    made = Server(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{made.server_port}"
    if context is not None:
        made.socket = context.wrap_socket(made.socket, server_side=True)
        address = f"https://localhost:{made.server_port}"
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield address, asked
    finally:
        made.shutdown()
        made.server_close()


def pass_on(handler: BaseHTTPRequestHandler) -> None:
    """Answer as a proxy: fetch what is asked for, or connect both ends."""
    if handler.command == "CONNECT":
        host, _, port = handler.path.rpartition(":")
        other = socket.create_connection((host, int(port)))
        handler.send_response(200)
        handler.end_headers()
        threading.Thread(
            target=_copy, args=(other, handler.connection), daemon=True
        ).start()
        _copy(handler.connection, other)
        return
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(handler.path) as response:
        send(handler, response.read().decode())


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
