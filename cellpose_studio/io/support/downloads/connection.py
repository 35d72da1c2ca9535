"""One request for a file, or for the rest of it."""

from __future__ import annotations

import http.client
import queue
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from types import TracebackType
from typing import IO, Any
from urllib.parse import urlsplit

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.io.support.web import NoAnswer, host_of, no_answer, opener

_CHUNK = 1 << 18
_WAITING = 8
"""Pieces that may have arrived before they are written."""
_LOOK = 0.1
"""Seconds between two looks at whether the user has cancelled."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server says before it sends a file.

    Attributes
    ----------
    start
        Where in the file it begins to send.
    total
        Bytes of the whole file; None if it does not say.
    version
        Identifies the content: an ETag or a date; "" if it does not say.
    is_page
        Whether a web page follows.
    out_of_range
        Whether nothing follows, since nothing is missing, or the file is shorter.
    """

    start: int
    total: int | None
    version: str
    is_page: bool = False
    out_of_range: bool = False


class Connection:
    """A request whose answer is waited for in a thread of its own.

    A server that stalls would otherwise keep the user from cancelling. The thread ends
    at the latest when the time-out has passed; nobody waits for it.
    """

    def __init__(self, url: str, checkpoint: Checkpoint, timeout: float) -> None:
        _refuse_unsafe(url)
        self._url = url
        self._checkpoint = checkpoint
        self._timeout = timeout
        self._left = threading.Event()
        self._queue: queue.Queue[Any] = queue.Queue(_WAITING)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()

    def get(self, start: int, version: str) -> Answer:
        """Ask for the file from ``start`` on; all of it, if it is another version.

        Raises
        ------
        NoAnswer, Cancelled
        """
        headers = {"User-Agent": "cellpose-studio", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if version:
                headers["If-Range"] = version
        request = urllib.request.Request(self._url, headers=headers)  # noqa: S310
        thread = threading.Thread(target=self._run, args=(request,), daemon=True)
        thread.start()
        answer = self._next()
        if not isinstance(answer, Answer):
            raise NoAnswer(f"{host_of(self._url)} sends no file.")
        return answer

    def pieces(self) -> Iterator[bytes]:
        """Yield the content.

        Raises
        ------
        NoAnswer, Cancelled
        """
        while piece := self._next():
            yield piece

    def _next(self) -> Any:
        while True:
            self._checkpoint.check()
            try:
                found = self._queue.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if isinstance(found, NoAnswer):
                raise found
            return found

    def _run(self, request: urllib.request.Request) -> None:
        """Put an `Answer`, the content and b"" into the queue, or an error."""
        try:
            asking = opener(_SafeRedirects())
            with asking.open(request, timeout=self._timeout) as response:
                if not self._put(_answer(response.status, response.headers)):
                    return
                # `read` would wait for all of it.
                while piece := response.read1(_CHUNK):
                    if not self._put(piece):
                        return
            self._put(b"")
        except urllib.error.HTTPError as error:
            ended = error.code == 416
            self._put(_answer(416, error.headers) if ended else self._in_words(error))
        except NoAnswer as error:
            self._put(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._put(self._in_words(error))

    def _in_words(self, error: Exception) -> NoAnswer:
        return no_answer(
            error, self._url, f"{host_of(self._url)} has no file {_name(self._url)}."
        )

    def _put(self, item: object) -> bool:
        """Put something into the queue; return whether anybody still waits for it."""
        while not self._left.is_set():
            try:
                self._queue.put(item, timeout=_LOOK)
            except queue.Full:
                continue
            return True
        return False


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows to other hosts, as hosts of large files lie elsewhere, if it is safe."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if old.scheme == "https" and new.scheme != "https":
            raise NoAnswer(
                f"{old.hostname} refers to {new.hostname} without encryption, which is "
                "not safe."
            )
        _refuse_unsafe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _refuse_unsafe(url: str) -> None:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not local:
        raise NoAnswer(f"{host_of(url) or url} is not asked without encryption.")
    if parts.username or parts.password:
        # It would be in notes of downloads and in messages.
        raise NoAnswer(f"The address of {parts.hostname} must not have a password.")


def _answer(status: int, headers: Message) -> Answer:
    content_range = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
    length = headers.get("Content-Length", "")
    total = int(length) if length.isdigit() else None
    start = 0
    if status == 206:
        # Without knowing which part it is, nothing can be done with it.
        if content_range is None or content_range[1] is None:
            raise ValueError("a part that the server does not name")
        start = int(content_range[1])
    if status in (206, 416):
        known = content_range is not None and content_range[2] != "*"
        total = int(content_range[2]) if content_range and known else None
    # Weak ETags do not say that all bytes are the same.
    tag = headers.get("ETag", "")
    version = headers.get("Last-Modified", "") if tag[:2] in ("", "W/") else tag
    return Answer(
        start=start,
        total=total,
        version=version,
        is_page=headers.get_content_type() == "text/html",
        out_of_range=status == 416,
    )


def _name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]
