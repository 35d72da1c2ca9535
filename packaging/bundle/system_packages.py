"""Packages of the Linux distribution that libraries of a bundle came with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SystemPackage:
    """A package of the machine that the bundle was built on."""

    name: str
    version: str
    source: str
    files: tuple[str, ...] = field(default=(), compare=False)

    @property
    def copyright(self) -> Path:
        """The file with its licence."""
        return Path("/usr/share/doc") / self.name / "copyright"

    @property
    def origin(self) -> str:
        """Where its source is, in words."""
        return f"source package {self.source} of {distribution_name()}"


def owning(sources: Iterable[str]) -> list[SystemPackage]:
    """Return the packages that the files came with; none where there is no dpkg."""
    if shutil.which("dpkg-query") is None:
        return []
    files: dict[str, list[str]] = {}
    for source in sources:
        files.setdefault(_package_of(source), []).append(source)
    return [_asked(name, tuple(of)) for name, of in sorted(files.items()) if name]


def distribution_name() -> str:
    """Return the name of the Linux distribution with its release."""
    lines = Path("/etc/os-release").read_text("utf-8").splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    return found.get("PRETTY_NAME", "Linux").strip('"')


def _package_of(source: str) -> str:
    """Return the package of a file; merged /usr makes two spellings of each path."""
    real = str(Path(source).resolve())
    spellings = {source, real, real.removeprefix("/usr"), f"/usr{real}"}
    for one in sorted(spellings):
        asked = ["dpkg-query", "--search", one]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":", 1)[0]
    return ""


def _asked(name: str, files: tuple[str, ...]) -> SystemPackage:
    shown = "${Version}\t${source:Package}\n"
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat", shown, name],
        capture_output=True,
        text=True,
        check=True,
    )
    version, source = done.stdout.splitlines()[0].split("\t")
    return SystemPackage(name, version, source, files)
