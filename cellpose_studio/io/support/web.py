"""What asking a web site takes: certificates, proxies, and errors in words."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import certifi

from cellpose_studio.core.errors import StudioError

_TRY_LATER = "Try again later."
_LOOK_YOURSELF = "The page may open in a browser all the same."
_PROXY = (
    "Behind a proxy, set HTTPS_PROXY in the environment to its address, such as "
    "http://proxy:3128."
)


class NoAnswer(StudioError):
    """A web site could not be asked, or its answer is of no use."""


def host_of(url: str) -> str:
    """Return the host of an address."""
    return urlsplit(url).hostname or ""


def proxy_for(url: str) -> str:
    """Return the proxy between here and an address, without a password; "" for none."""
    parts = urlsplit(url)
    found = urllib.request.getproxies().get(parts.scheme, "")
    # Elsewhere, this asks the network for names, which may take long.
    by_name = sys.platform not in ("win32", "darwin")
    if not found or (by_name and urllib.request.proxy_bypass(parts.netloc)):
        return ""
    proxy = urlsplit(found if "//" in found else f"//{found}")
    return proxy.netloc.rpartition("@")[2]


def opener(
    redirects: urllib.request.HTTPRedirectHandler,
) -> urllib.request.OpenerDirector:
    """Return what sends requests; ``redirects`` says which redirections it follows."""
    handler = urllib.request.HTTPSHandler(context=_certificates())
    return urllib.request.build_opener(handler, redirects)


def no_answer(error: Exception, url: str, missing: str) -> NoAnswer:
    """Return the error in words; ``missing`` is said where nothing is at ``url``."""
    host = urlsplit(url).hostname or url
    reason = getattr(error, "reason", error)
    if isinstance(error, urllib.error.HTTPError):
        return _refusal(error.code, host, missing)
    if isinstance(reason, ssl.SSLError):
        return NoAnswer(
            f"The connection to {host} is not safe: {_ssl_reason(reason)}.",
            "A proxy may look into it, or the clock of this computer may be wrong.",
        )
    if isinstance(reason, TimeoutError):
        return NoAnswer(f"{host} does not answer.", f"{_TRY_LATER} {_PROXY}")
    if isinstance(reason, socket.gaierror):
        return NoAnswer(
            f"{_next_host(url)} was not found.",
            f"Is this computer connected to the network? {_PROXY}",
        )
    if "Tunnel connection failed" in str(reason):
        return _tunnel(str(reason), host)
    if isinstance(reason, ConnectionRefusedError):
        return NoAnswer(f"{_next_host(url)} refuses the connection.", _PROXY)
    if isinstance(error, http.client.HTTPException | ConnectionError):
        return NoAnswer(f"The connection to {host} broke.", _TRY_LATER)
    return NoAnswer(f"{host} cannot be reached: {_plain(reason)}.", _PROXY)


def _certificates() -> ssl.SSLContext:
    """Return the system's certificates, and those of Mozilla.

    A bundle finds the system's only on systems like the one that it was made on.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _next_host(url: str) -> str:
    """Return who is connected to: the proxy, or the host itself."""
    proxy = proxy_for(url)
    return f"The proxy {proxy}" if proxy else host_of(url)


def _tunnel(reason: str, host: str) -> NoAnswer:
    if " 407" in reason:
        return _refusal(407, host, "")
    return NoAnswer(
        f"The proxy does not let this computer reach {host}: {reason}.", _LOOK_YOURSELF
    )


def _refusal(code: int, host: str, missing: str) -> NoAnswer:
    if code == 404:
        return NoAnswer(missing, "It is not offered there now.")
    if code == 407:
        return NoAnswer(
            "The proxy asks for a password.",
            "Set HTTPS_PROXY in the environment to http://NAME:PASSWORD@PROXY:PORT.",
        )
    if code == 429 or code >= 500:
        return NoAnswer(f"{host} is busy or out of order (error {code}).", _TRY_LATER)
    return NoAnswer(f"{host} refuses the request (error {code}).", _LOOK_YOURSELF)


def _ssl_reason(error: ssl.SSLError) -> str:
    return str(getattr(error, "verify_message", "") or error.reason or "no TLS")


def _plain(reason: object) -> str:
    text = getattr(reason, "strerror", None) or getattr(reason, "reason", None)
    return str(text or reason or type(reason).__name__).rstrip(".")
