"""Folders of temporary servers, and the removal of those that a killed process left behind.

The owner of a folder holds a file lock, which the kernel releases however the owner ends. So a
folder whose lock is free belongs to nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

PREFIX = "membership_refactor-"
_LOCK = "owner"


class OwnedFolder:
    """A new folder. This process owns it until it removes it or ends."""

    def __init__(self, parent: Path) -> None:
        # Locked before it gets the name by which others find folders that were left behind.
        unnamed = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=parent))
        self._lock = os.open(unnamed / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        os.write(self._lock, f"{os.getpid()}\n".encode())
        # Other users may pass through, but read nothing.
        unnamed.chmod(0o711)
        self.path = unnamed.rename(parent / unnamed.name.removeprefix("."))

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def remove_remains(parent: Path) -> tuple[Path, ...]:
    """Remove the servers and folders below ``parent`` whose owner has ended. Return the folders."""
    removed = []
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            status = folder.lstat()
            if status.st_uid != os.geteuid() or folder.is_symlink() or not folder.is_dir():
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            end_postmaster(folder / "data")
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
        finally:
            os.close(lock)
    return tuple(removed)


def postmaster_of(data: Path) -> int | None:
    """Return the process that runs the server of this data folder, or None.

    Another process may have the number in postmaster.pid by now. So the working directory is
    compared, which is the data folder for a postmaster.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    working = Path(f"/proc/{pid}/cwd")
    if Path("/proc/self/cwd").exists():
        try:
            return pid if working.resolve(strict=True) == data.resolve() else None
        except OSError:
            return None
    return pid


def end_postmaster(data: Path, *, seconds: float = 20) -> None:
    """End the server of this data folder and its sessions at once. Open work is lost."""
    pid = postmaster_of(data)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
    deadline = time.monotonic() + seconds
    while postmaster_of(data) == pid and time.monotonic() < deadline:
        time.sleep(0.02)
    if postmaster_of(data) == pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
