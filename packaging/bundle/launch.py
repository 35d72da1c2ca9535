"""Where a bundle starts: what Python itself needs first, then the application."""

import os
import sys
from multiprocessing import freeze_support
from pathlib import Path

if __name__ == "__main__":
    freeze_support()
    # A windowed program on Windows has no streams, and libraries print.
    nowhere = Path(os.devnull)
    sys.stdout = sys.stdout or nowhere.open("w")
    sys.stderr = sys.stderr or nowhere.open("w")
    from cellpose_studio.__main__ import main

    sys.exit(main())
