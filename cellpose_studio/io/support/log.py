"""The log: a file that is kept small and never fails the application."""

from __future__ import annotations

import copy
import logging
import os
import sys
import traceback
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

NAME = "cellpose-studio.log"

_LARGEST = 1_000_000  # bytes of one file
_OLDER = 3
_MOST_TEXT = 20_000
"""Characters of one record. An error may quote a large array in its message."""
_IN_FULL = 3
"""Times that the same error is written in full."""
_MOST_COUNTED = 1000
_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


class LogFile(RotatingFileHandler):
    """Writes records to a file, for several windows at once.

    No error of the disk reaches whoever logs. An error that comes again and again is
    written in full three times, and after that counted: at 10, 100, 1000 …
    """

    def __init__(self, file: Path) -> None:
        # Opened with the first record, where an error is handled below.
        super().__init__(
            file,
            maxBytes=_LARGEST,
            backupCount=_OLDER,
            encoding="utf-8",
            errors="backslashreplace",
            delay=True,
        )
        self.setFormatter(_Short(_FORMAT))
        self._counts: Counter[object] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless it has been written often enough."""
        times = self._times(record)
        if times > _IN_FULL:
            if not _is_power_of_ten(times):
                return
            record = _summary(record, times)
        try:
            self._follow_file()
        except OSError:
            return
        super().emit(record)

    def doRollover(self) -> None:  # noqa: N802
        """Start a new file; go on in the old one where it cannot be renamed."""
        # On Windows nobody can rename a file that a second window has open.
        with suppress(OSError):
            super().doRollover()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        """Lose the record: the disk is full, or its drive has gone."""
        self.acquire()
        stream, self.stream = self.stream, None
        self.release()
        # Text that waits for a full disk would be written again with each record.
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.close()

    def close(self) -> None:
        """Close the file, whatever its disk says."""
        with suppress(OSError, ValueError):
            super().close()

    def _times(self, record: logging.LogRecord) -> int:
        if len(self._counts) > _MOST_COUNTED:
            self._counts.clear()
        key = _key(record)
        self._counts[key] += 1
        return self._counts[key] if key is not None else 1

    def _follow_file(self) -> None:
        """Open the file anew if another window has begun a new one."""
        if self.stream is None:
            return
        try:
            there = Path(self.baseFilename).stat()
        except FileNotFoundError:
            there = None
        ours = os.fstat(self.stream.fileno())
        if there is None or (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            self.stream.close()
            self.stream = self._open()


class _Short(logging.Formatter):
    """Cuts a record that is too long."""

    def format(self, record: logging.LogRecord) -> str:
        return shortened(super().format(record), _MOST_TEXT)


def shortened(text: str, most: int) -> str:
    """Return a text without its middle if it has more than ``most`` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[… {len(text) - most} characters …]\n{text[-half:]}"


def start_log(folder: Path, facts: Mapping[str, str]) -> LogFile | None:
    """Write warnings and errors of all libraries to the log in ``folder`` from now on.

    They go to the terminal as before, too.

    Parameters
    ----------
    facts
        What the log begins with: versions by name.

    Returns
    -------
    The handler, or None if the folder takes no files.
    """
    root = logging.getLogger()
    # Python writes to the terminal by itself only as long as there is no handler.
    # Without a terminal, as on Windows, there is no such stream.
    if sys.stderr is not None and not root.handlers:
        terminal = logging.StreamHandler()
        terminal.setLevel(logging.WARNING)
        root.addHandler(terminal)
    logging.captureWarnings(True)
    logging.getLogger("cellpose_studio").setLevel(logging.INFO)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = LogFile(folder / NAME)
    except OSError:
        return None
    root.addHandler(handler)
    line = ", ".join(f"{name} {version}" for name, version in facts.items())
    logging.getLogger("cellpose_studio").info("started: %s", line)
    return handler


def clear_logs(folder: Path) -> int:
    """Remove the log and the older ones; return how many could not be."""
    kept = 0
    for file in folder.glob(f"{NAME}*"):
        try:
            file.unlink()
        # Windows keeps a file that is open, but lets its text be removed.
        except OSError:
            try:
                file.write_text("", "utf-8")
            except OSError:
                kept += 1
    return kept


def last_lines(file: Path, process: int, most: int = 40) -> str:
    """Return the last lines that a process has logged; "" if there are none."""
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    ours, found = False, []
    for line in lines:
        # Lines of a traceback follow the one that names the process.
        words = line.split(" ", 3)
        if len(words) > 3 and words[2].isdigit():
            ours = words[2] == str(process)
        if ours:
            found.append(line)
    return "\n".join(found[-most:])


def _key(record: logging.LogRecord) -> object:
    """Return what the same error has in common each time; None for notes."""
    if record.levelno < logging.WARNING:
        return None
    if record.exc_info and record.exc_info[1] is not None:
        frames = traceback.extract_tb(record.exc_info[2], limit=-1)
        place = [(frame.filename, frame.lineno) for frame in frames]
        return (record.exc_info[0], *place)
    # The text and not its pattern: warnings of Python and Qt all have the same one.
    try:
        return (record.name, record.lineno, record.getMessage()[:200])
    # Whoever wrote the pattern gave it other values than it names.
    except Exception:
        return None


def _summary(record: logging.LogRecord, times: int) -> logging.LogRecord:
    """Return a record in one line that says how often it came."""
    short = copy.copy(record)
    what = record.getMessage().splitlines()[:1]
    if record.exc_info and record.exc_info[1] is not None:
        what = traceback.format_exception_only(record.exc_info[1])[-1:]
    short.msg = f"for the {times}th time: {''.join(what).strip()[:300]}"
    short.args = None
    short.exc_info = short.exc_text = short.stack_info = None
    return short


def _is_power_of_ten(number: int) -> bool:
    return set(str(number)[1:]) <= {"0"} and str(number)[0] == "1"
