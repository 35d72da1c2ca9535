"""The reader of CZI files as a process of its own, which may end without ours."""

from __future__ import annotations

import atexit
import json
import math
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.images.stored_image import Array, damaged, refuse_large_part
from cellpose_studio.io.processes import CZI_READER, own_command

Json = dict[str, Any]

_LIMIT = 120.0
"""Seconds for one plane: a process that takes longer will never answer."""


class CziProcess:
    """Reads CZI files in another process, which is started when it is needed.

    It answers one request at a time; may be used from any thread.

    Parameters
    ----------
    command
        Starts the process; by default this application once more.
    limit
        Seconds after which it is ended if it does not answer.
    """

    def __init__(self, command: Sequence[str] = (), limit: float = _LIMIT) -> None:
        self._command = list(command)
        self._limit = limit
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._late = False

    def describe(self, path: Path) -> Json:
        """Return what the file holds; see `czi_child`.

        Raises
        ------
        ImageUnreadable
            If it is damaged, or the process does not answer.
        """
        with self._answers(path, {}) as stream:
            return self._header(path, stream)

    def planes(
        self,
        path: Path,
        planes: Sequence[dict[str, int]],
        region: tuple[int, int, int, int],
        scene: int | None,
    ) -> Iterator[Array]:
        """Yield planes, YX or YXS, of a region: left, top, width and height.

        Raises
        ------
        ImageUnreadable
            If it is damaged, or the process does not answer.
        """
        request = {"planes": list(planes), "region": region, "scene": scene}
        with self._answers(path, request) as stream:
            for _ in planes:
                header = self._header(path, stream)
                yield self._pixels(path, header, stream)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    @contextmanager
    def _answers(self, path: Path, request: Json) -> Iterator[IO[bytes]]:
        """Send a request, and give the stream of answers for the block."""
        with self._lock:
            try:
                process = self._started(path)
                assert process.stdin is not None
                assert process.stdout is not None
                line = json.dumps({"path": str(path.absolute()), **request})
                process.stdin.write(line.encode() + b"\n")
                process.stdin.flush()
                yield process.stdout
            except BaseException as error:
                # What it would still answer must not be taken for other answers.
                self.close()
                if isinstance(error, BrokenPipeError):
                    raise damaged(path) from error
                raise

    def _started(self, path: Path) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                self._command or [*own_command(), CZI_READER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # A bundle of PyInstaller would take it for a part of this start.
                env={**os.environ, "PYINSTALLER_RESET_ENVIRONMENT": "1"},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise ImageUnreadable(
                f"{path.name} cannot be read: the process that reads CZI files does "
                f"not start ({error.strerror or error})."
            ) from error
        return self._process

    def _header(self, path: Path, stream: IO[bytes]) -> Json:
        with self._limited():
            line = stream.readline()
        # An empty line is the end of the process.
        answer = json.loads(line) if line.endswith(b"\n") else {"error": "ended"}
        if "missing" in answer:
            raise ModuleNotFoundError(name=answer["missing"])
        if "error" in answer:
            raise self._failure(path)
        found: Json = answer
        return found

    def _pixels(self, path: Path, header: Json, stream: IO[bytes]) -> Array:
        dtype = np.dtype(header["dtype"])
        refuse_large_part(path, math.prod(header["shape"]) * dtype.itemsize)
        pixels = np.empty(header["shape"], dtype)
        left = pixels.reshape(-1).view(np.uint8).data
        with self._limited():
            while left:
                count = stream.readinto(left)  # type: ignore[attr-defined]
                if not count:
                    raise self._failure(path)
                left = left[count:]
        return pixels

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """End the process if the block takes too long, so that reading it ends."""
        self._late = False
        timer = threading.Timer(self._limit, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        if (process := self._process) is not None:
            self._late = True
            process.kill()

    def _failure(self, path: Path) -> ImageUnreadable:
        """Return why the process has ended without an answer, or refuses the file."""
        if not self._late:
            return damaged(path)
        return ImageUnreadable(
            f"{path.name} cannot be read: the process that reads CZI files has not "
            f"answered for {self._limit:g} s.",
            "Copy the file to a disk of this computer, and try again.",
        )


PROCESS = CziProcess()
"""The one process that reads CZI files for this application."""

atexit.register(PROCESS.close)
