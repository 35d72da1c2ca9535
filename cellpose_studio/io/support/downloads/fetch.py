"""Downloads one file: resumed after an interruption, checked, moved into place whole.

What has arrived lies beside the target under a hidden name, until it is complete and
its hash has been checked. No program that looks for the target finds a part of it.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.io.atomic import cannot_save, move_into_place
from cellpose_studio.io.support.downloads.connection import Answer, Connection
from cellpose_studio.io.support.web import NoAnswer, host_of
from cellpose_studio.paths import sha256_of

_UNIT = 1000
"""Bytes per step that is reported: Qt counts steps in 32 bits."""

_SPARE = 50_000_000
"""Bytes that a download leaves free on the disk."""
_MOST = 20_000_000_000
"""Bytes beyond which no weight file is."""
_AGAIN = "What has arrived is kept: download it again to go on from there."


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A file to download.

    Attributes
    ----------
    url
        HTTPS, or HTTP to this computer itself.
    size
        Bytes; None if not known.
    sha256
        "" if not known.
    what
        For the progress bar and messages: "cyto3".
    """

    url: str
    what: str
    size: int | None = None
    sha256: str = ""


def fetch(
    wanted: Wanted, target: Path, checkpoint: Checkpoint, timeout: float = 30.0
) -> str:
    """Download a file to ``target`` and return its SHA-256.

    A file that is there already is left as it is.

    Parameters
    ----------
    timeout
        Seconds to wait for each answer of the network.

    Raises
    ------
    NoAnswer
        If the server cannot be reached, or does not send the file that is wanted. What
        has arrived is kept, and the next call goes on from there, unless it is wrong.
    CannotSave
        If the file cannot be written, or another program is downloading it.
    Cancelled
        As for `NoAnswer`.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.with_name(f".{target.name}.lock"), timeout=0)
        lock.acquire()
    except Timeout as error:
        raise NoAnswer(
            f"Another program is downloading {wanted.what} already.",
            "Wait until it has ended.",
        ) from error
    except OSError as error:
        raise cannot_save(target, error) from error
    try:
        if not target.exists():
            _Download(wanted, target, checkpoint, timeout).run()
        return sha256_of(target, checkpoint.check)
    except OSError as error:
        raise cannot_save(target, error) from error
    finally:
        # Windows removes no file that is open, and elsewhere another program may have
        # the lock by now; an empty file does no harm.
        lock.release()


def partial_path(target: Path) -> Path:
    """Return where what has arrived of a download lies."""
    return target.with_name(f".{target.name}.part")


class _Download:
    def __init__(
        self, wanted: Wanted, target: Path, checkpoint: Checkpoint, timeout: float
    ) -> None:
        self._wanted = wanted
        self._target = target
        self._part = partial_path(target)
        self._about = target.with_name(f".{target.name}.part.json")
        self._checkpoint = checkpoint
        self._timeout = timeout
        self._host = host_of(wanted.url)
        self._version = ""
        self._length: int | None = None

    def run(self) -> None:
        # A second attempt is one from the start: the first part was of another file.
        if not self._attempt() and not self._attempt():
            raise NoAnswer(f"{self._host} does not send {self._wanted.what}.")
        self._checkpoint.reached(0, 0, f"checking {self._wanted.what}")
        if self._wanted.sha256:
            found = sha256_of(self._part, self._checkpoint.check)
            if found != self._wanted.sha256:
                # Going on from a wrong file would never make it right.
                self._forget()
                raise NoAnswer(
                    f"{self._host} sent another file than the known {self._wanted.what}"
                    ": its SHA-256 differs.",
                    "It was deleted. Download it again, or ask for advice.",
                )
        move_into_place(self._part, self._target)
        self._forget()

    def _attempt(self) -> bool:
        """Receive what is missing; return False if it has to begin anew."""
        have, self._version, self._length = self._have()
        with Connection(self._wanted.url, self._checkpoint, self._timeout) as server:
            answer = server.get(have, self._version)
            self._refuse_other_files(answer)
            if answer.out_of_range:
                if have and have == (answer.total or self._wanted.size):
                    return True
                self._forget()
                return False
            if answer.start not in (0, have) or self._changed(answer):
                self._forget()
                return False
            total = self._total(answer)
            self._refuse_full_disk(total - answer.start)
            self._receive(server, answer.start, total)
        return True

    def _have(self) -> tuple[int, str, int | None]:
        """Return how many bytes have arrived; the version and length of the file."""
        try:
            about = json.loads(self._about.read_bytes())
            version = str(about["version"])
            # Parts of two versions would not be noticed without a version or a hash.
            checked = version or self._wanted.sha256
            if about["url"] == self._wanted.url and checked:
                return self._part.stat().st_size, version, about["total"]
        # Without knowing what it is a part of, it is of no use.
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            pass
        return 0, "", None

    def _changed(self, answer: Answer) -> bool:
        """Return whether the server has another file than that of the first part."""
        pairs = ((self._length, answer.total), (self._version, answer.version))
        differs = any(old and new and old != new for old, new in pairs)
        return answer.start > 0 and differs

    def _refuse_other_files(self, answer: Answer) -> None:
        if answer.is_page:
            raise NoAnswer(
                f"{self._host} sent a web page in the place of {self._wanted.what}.",
                "A network that wants you to log in first does that.",
            )

    def _total(self, answer: Answer) -> int:
        """Return the size of the file; raise an error if it is not the wanted one."""
        total, size, what = answer.total, self._wanted.size, self._wanted.what
        if size is not None and total is not None and total != size:
            raise NoAnswer(
                f"{self._host} has another file than the known {what}: {total:,} bytes "
                f"instead of {size:,}.",
                "It was not downloaded.",
            )
        if total is None and size is None and not self._wanted.sha256:
            # A part of it could not be told from all.
            raise NoAnswer(f"{self._host} does not say how long {what} is.")
        total = total or size or _MOST
        if total > _MOST:
            raise NoAnswer(f"{what} is too long for a weight file: {total:,} bytes.")
        self._note(answer)
        return total

    def _refuse_full_disk(self, missing: int) -> None:
        free = shutil.disk_usage(self._target.parent).free
        if missing != _MOST and free < missing + _SPARE:
            raise NoAnswer(
                f"{self._wanted.what} needs {missing / 1e6:,.0f} MB more, and the disk "
                f"has {free / 1e6:,.0f} MB free.",
                f"Free some space in {self._target.parent}.",
            )

    def _receive(self, server: Connection, start: int, total: int) -> None:
        done = start
        with self._part.open("r+b" if start else "wb") as file:
            file.truncate(start)
            file.seek(start)
            self._report(done, total)
            for piece in server.pieces():
                done += len(piece)
                if done > total:
                    break
                file.write(piece)
                # A program that is killed leaves what has arrived.
                file.flush()
                self._report(done, total)
            file.flush()
            os.fsync(file.fileno())
        if done > total:
            self._forget()
            raise NoAnswer(
                f"{self._host} sends more than the {total:,} bytes of "
                f"{self._wanted.what}.",
                "It was deleted.",
            )
        if total != _MOST and done < total:
            raise NoAnswer(
                f"The connection to {self._host} broke after {done:,} of {total:,} "
                f"bytes of {self._wanted.what}.",
                _AGAIN,
            )

    def _report(self, done: int, total: int) -> None:
        steps = 0 if total == _MOST else total // _UNIT
        what = f"kB of {self._wanted.what}"
        self._checkpoint.reached(done // _UNIT, steps, what)

    def _note(self, answer: Answer) -> None:
        about = {
            "url": self._wanted.url,
            "version": answer.version,
            "total": answer.total,
        }
        self._about.write_text(json.dumps(about), encoding="ascii")

    def _forget(self) -> None:
        for path in (self._part, self._about):
            with suppress(OSError):
                path.unlink()
