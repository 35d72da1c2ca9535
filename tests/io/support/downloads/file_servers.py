"""A server on loopback that sends one file, well or badly."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from tests.io.support.servers import server

__all__ = ["FileServer", "server"]


class FileServer:
    """Answers requests for files; attributes say what it does badly.

    Attributes
    ----------
    files
        Content by name.
    cut_after
        Bytes of an answer after which it closes the connection.
    stall_after
        Bytes of an answer after which it sends nothing until ``go_on`` is set.
    ranges
        Whether it sends parts.
    heeds_version
        Whether it sends all of a file that is another version than the one asked for.
    announces
        Content-Length in the place of the true one; "" for none at all.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.cut_after: int | None = None
        self.stall_after: int | None = None
        self.go_on = threading.Event()
        self.ranges = True
        self.heeds_version = True
        self.announces: int | str | None = None
        self.version = '"1"'
        self.kind = "application/octet-stream"
        self.before: Callable[[BaseHTTPRequestHandler], bool] = lambda _: False
        self.asked: list[tuple[str, str | None]] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        name = handler.path.rpartition("/")[2]
        self.asked.append((name, asked))
        if self.before(handler):
            return
        if name not in self.files:
            handler.send_error(404)
            return
        content = self.files[name]
        start = 0
        version = handler.headers.get("If-Range")
        known = version in (None, self.version) or not self.heeds_version
        if asked and self.ranges and known:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= len(content):
                handler.send_response(416)
                handler.send_header("Content-Range", f"bytes */{len(content)}")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            handler.send_response(206)
            where = f"bytes {start}-{len(content) - 1}/{len(content)}"
            handler.send_header("Content-Range", where)
        else:
            handler.send_response(200)
        body = content[start:]
        length = len(body) if self.announces is None else self.announces
        if length != "":
            handler.send_header("Content-Length", str(length))
        if self.version:
            handler.send_header("ETag", self.version)
        handler.send_header("Content-Type", self.kind)
        handler.end_headers()
        if self.stall_after is not None:
            handler.wfile.write(body[: self.stall_after])
            handler.wfile.flush()
            self.go_on.wait()
            return
        handler.wfile.write(body if self.cut_after is None else body[: self.cut_after])
