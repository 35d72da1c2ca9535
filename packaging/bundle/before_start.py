"""What a bundle sets before any import: where compiled code goes, what children see."""

import os
import sys
from contextlib import suppress

from cellpose_studio.paths import cache_dir

# Beside its modules numba would write into the installation, which breaks the
# signature of an app on macOS and leaves files behind on removal.
with suppress(OSError):
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_dir() / "compiled"))

# Programs that this one starts, such as the browser, need the system's libraries. The
# loader has read the variable by now.
if sys.platform == "linux":
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if before:
        os.environ["LD_LIBRARY_PATH"] = before
    else:
        os.environ.pop("LD_LIBRARY_PATH", None)
