"""Asks the Python Package Index whether there is a newer version."""

from __future__ import annotations

import http.client
import json
import platform
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from cellpose_studio import __version__
from cellpose_studio.io.support.web import NoAnswer, host_of, no_answer, opener

SOURCE = "https://pypi.org"
_PATH = "/pypi/cellpose-studio/json"
_PAGE = "/project/cellpose-studio/"
_TIMEOUT = 10.0  # seconds for each answer of the network
_PATIENCE = 30.0  # seconds for all
_LARGEST = 8_000_000  # bytes
_CHUNK = 65_536
_TRY_LATER = "Try again later."


@dataclass(frozen=True, kw_only=True)
class Update:
    """What the index says.

    Attributes
    ----------
    installed
        The version that runs.
    newest
        The newest version for this Python. Pre-releases count for those who run one.
    """

    installed: str
    newest: str

    @property
    def is_newer(self) -> bool:
        """Whether the newest version is newer than the installed one."""
        return Version(self.newest) > Version(self.installed)


def page_of(source: str = SOURCE) -> str:
    """Return the address of the page that offers the versions."""
    return f"{source}{_PAGE}"


def newest(
    source: str = SOURCE,
    installed: str = __version__,
    stopped: Callable[[], bool] = lambda: False,
    timeout: float = _TIMEOUT,
) -> Update:
    """Ask for the newest version; nothing is sent but the request.

    Uses the proxy of the environment or of the system.

    Parameters
    ----------
    source
        Address of the index.
    stopped
        Whether to give up; asked between two parts of the answer.
    timeout
        Seconds to wait for each answer of the network.

    Raises
    ------
    NoAnswer
    """
    answer = _get(f"{source}{_PATH}", stopped, timeout)
    best = _best(_releases(answer, host_of(source)), Version(installed))
    if best is None:
        raise NoAnswer(
            f"{host_of(source)} offers no version for this computer's Python.",
            _TRY_LATER,
        )
    return Update(installed=installed, newest=str(best))


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows no redirection to a host that the user has not been told of."""

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
        if (old.scheme, old.netloc) != (new.scheme, new.netloc):
            raise NoAnswer(
                f"{old.hostname} refers to {new.hostname or newurl}, which was not "
                "asked.",
                "A network that wants you to log in first does that.",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _get(url: str, stopped: Callable[[], bool], timeout: float) -> bytes:
    host = urlsplit(url).hostname or url
    if urlsplit(url).scheme not in ("http", "https"):
        raise NoAnswer(f"{url} is no address of a web site.")
    request = urllib.request.Request(  # noqa: S310
        url, headers={"User-Agent": "cellpose-studio", "Accept": "application/json"}
    )
    asking = opener(_SameHost())
    try:
        with asking.open(request, timeout=timeout) as response:
            return _body(response, host, stopped)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise no_answer(error, url, f"{host} does not know Cellpose Studio.") from error


def _body(response: Any, host: str, stopped: Callable[[], bool]) -> bytes:
    end = time.monotonic() + _PATIENCE
    parts, size = [], 0
    # `read` would wait for all of it, from a server that sends a byte a second.
    while part := response.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > _LARGEST:
            raise NoAnswer(f"The answer of {host} is too long to be read.")
        if time.monotonic() > end:
            raise TimeoutError
        if stopped():
            raise NoAnswer("The check was cancelled.")
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and size < int(length):
        raise http.client.IncompleteRead(b"", int(length) - size)
    return b"".join(parts)


def _releases(answer: bytes, host: str) -> dict[str, list[dict[str, Any]]]:
    """Return the files of each version."""
    try:
        found = json.loads(answer)["releases"]
        return {
            str(version): [dict(file) for file in files]
            for version, files in found.items()
        }
    # A page to log in, for example. Deeply nested lists raise RecursionError.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NoAnswer(
            f"The answer of {host} cannot be understood.",
            "A network that wants you to log in first answers in its place.",
        ) from error


def _best(
    releases: dict[str, list[dict[str, Any]]], installed: Version
) -> Version | None:
    """Return the newest version that can be installed here, or None."""
    found = []
    for text, files in releases.items():
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        wanted = installed.is_prerelease or not version.is_prerelease
        if wanted and any(_can_install(file) for file in files):
            found.append(version)
    return max(found, default=None)


def _can_install(file: dict[str, Any]) -> bool:
    try:
        fits = SpecifierSet(str(file.get("requires_python") or "")).contains(
            platform.python_version(), prereleases=True
        )
    except InvalidSpecifier:
        fits = True
    return fits and not file.get("yanked", False)
