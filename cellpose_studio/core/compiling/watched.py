"""Who is told when loops are compiled."""

from __future__ import annotations

from collections.abc import Callable

_watchers: list[Callable[[bool], object]] = []


def watch_compiling(watcher: Callable[[bool], object]) -> Callable[[], None]:
    """Call ``watcher`` whenever compiling begins, with True, or ends, with False.

    It is called in the thread that compiles; code that is loaded from the cache does
    not count. Call what is returned to end this.
    """
    _watchers.append(watcher)
    return lambda: _watchers.remove(watcher)


def tell(begins: bool) -> None:
    """Tell all who watch."""
    for watcher in tuple(_watchers):
        watcher(begins)
