#!/usr/bin/env bash
# distributed 2026.8.0: Client(address, timeout=1) waits for ever for a silent port.
#
# Guess: after a second, or a few, it raises OSError or TimeoutError, as it does for a
# port that nobody listens at.
# Seen: if something accepts the connection and then says nothing, it does not return at
# all (here: not within 20 s). An SSH tunnel to a scheduler that has ended is such a
# port, and so is that of many other programs.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q distributed==2026.8.0

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import os
import socket
import threading
import time

import distributed

print("distributed", distributed.__version__)


def seconds_of(address):
    """Return how long a client takes to give up; None if it has not in 20 s."""
    said = []

    def connect():
        began = time.monotonic()
        try:
            distributed.Client(address, timeout=1, set_as_default=False)
        except OSError as error:
            said.append((time.monotonic() - began, type(error).__name__))

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(20)
    return said[0] if said else None


with socket.create_server(("127.0.0.1", 0)) as closed:
    port = closed.getsockname()[1]
nobody = seconds_of(f"tcp://127.0.0.1:{port}")
with socket.create_server(("127.0.0.1", 0)) as silent:
    quiet = seconds_of(f"tcp://127.0.0.1:{silent.getsockname()[1]}")
print("nobody listens:", nobody, "silent:", quiet, flush=True)
assert nobody is not None and nobody[0] < 5
assert quiet is None
# The thread of the client is still at it.
os._exit(0)
PYTHON
