"""A pulse that knows how much of the time the application used itself."""

from __future__ import annotations

from collections import Counter

from owners import OWN, Owners
from pulse import Pulse


class SampledPulse(Pulse):
    """Also measures, by looks at the stack, whose code the CPU time goes to.

    Without ``profile``, `print_worst` prints nothing, and `print_places` where the
    looks found the application, napari and what it draws with.
    """

    def __init__(self, profile: bool = False) -> None:
        self._own: list[float] = []
        self._owners = Owners()
        self._places: dict[str, Counter[tuple[str, str, str]]] = {}
        super().__init__(profile)

    def restart(self) -> None:
        self._own.clear()
        self._places.clear()
        self._owners.take()
        super().restart()

    @property
    def own(self) -> float:
        """The most CPU time that the application used in a time, ms."""
        return max(self._own)

    def print_places(self, lines: int = 6) -> None:
        """Print where the most CPU time went, in all and of the application's own."""
        for title, places in self._places.items():
            for (owner, running, at), seconds in places.most_common(lines):
                if owner == OWN or title == "all":
                    print(
                        f"  {title}: {owner} {seconds * 1000:.0f} ms, {running} < {at}"
                    )

    def _on_timeout(self) -> None:
        owned, places = self._owners.take()
        super()._on_timeout()
        self._own.append(owned[OWN] * 1000)
        for title, values in (("all", self._used), ("own", self._own)):
            if values[-1] == max(values):
                self._places[title] = places
