"""Detection of network drives."""

from __future__ import annotations

import sys
from pathlib import Path

from cellpose_studio.paths import real_path

# The WAL mode of SQLite needs shared memory, which these do not offer.
_NETWORK = {
    "9p", "afs", "ceph", "cifs", "davfs", "fuse.sshfs", "fuse.rclone", "fuse.davfs2",
    "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "beegfs", "smb2", "smb3", "smbfs",
    "webdav", "afpfs", "gpfs",
}  # fmt: skip


def is_on_network(path: Path) -> bool:
    """Return whether a file is on a network drive; False if unknown."""
    if sys.platform == "win32":
        return _is_remote_on_windows(path)
    import psutil

    places = {Path(p.mountpoint): p.fstype for p in psutil.disk_partitions(all=True)}
    here = real_path(path)
    # Mounts can be nested, so the nearest one above the file counts.
    mounted = next((p for p in (here, *here.parents) if p in places), None)
    return mounted is not None and places[mounted].lower() in _NETWORK


def _is_remote_on_windows(path: Path) -> bool:
    import ctypes

    drive = real_path(path).drive
    if drive.startswith("\\\\"):
        return True
    # The number is DRIVE_REMOTE of the Windows API.
    remote = 4
    return bool(ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\") == remote)  # type: ignore[attr-defined,unused-ignore]
