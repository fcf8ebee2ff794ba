"""PostgreSQL refuses to run as root. Choose another user, and folders that this user can reach."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from membership_refactor.database.binaries import Binaries
from membership_refactor.errors import NoDatabase

_CANDIDATES = ("nobody", "daemon")
# libpq and the kernel allow 107 bytes for the whole path of a socket.
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.65535.lock")


@dataclass(frozen=True, slots=True)
class Account:
    """The user of the operating system that runs the server."""

    name: str
    uid: int
    gid: int
    # False where it is the user of this process.
    dropped: bool

    def run(
        self, line: Sequence[str | Path], *, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, without the caller's PostgreSQL variables."""
        words = [str(word) for word in line]
        environment = clean_environment(os.environ)
        user: dict[str, Any] = {}
        if self.dropped:
            user = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(
            words,
            cwd="/",
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **user,
        )

    def can_traverse(self, folder: Path) -> bool:
        """Whether this user may enter the folder and every folder above it."""
        if not self.dropped:
            return os.access(folder, os.X_OK)
        folder = folder.resolve()
        return all(self._may_enter(each) for each in (folder, *folder.parents))

    def own(self, folder: Path) -> None:
        if self.dropped:
            os.chown(folder, self.uid, self.gid)

    def _may_enter(self, folder: Path) -> bool:
        try:
            status = folder.stat()
        except OSError:
            return False
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def server_account() -> Account:
    """This user, or for root one that owns nothing."""
    uid = os.geteuid()
    if uid != 0:
        return Account(str(uid), uid, os.getegid(), dropped=False)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid, dropped=True)
    raise NoDatabase(
        "PostgreSQL does not run as root, and this machine has no user nobody or daemon.",
        hint="Run the command as a normal user, or set DATABASE_URL.",
    )


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """PGDATA, PGPORT and their like would reach into initdb and pg_ctl; messages are English."""
    kept = {name: text for name, text in environ.items() if not name.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C"}


def open_folders(account: Account) -> Iterator[Path]:
    """Folders for temporary files that the account can reach, the configured one first."""
    seen: set[Path] = set()
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        folder = Path(place).resolve()
        if folder not in seen and os.access(folder, os.W_OK) and account.can_traverse(folder):
            seen.add(folder)
            yield folder


def reachable(binaries: Binaries, account: Account, copies: Path) -> Binaries:
    """The programs where the account can run them: in their place, or as a copy below ``copies``.

    A virtual environment below a closed folder (/root, say) is out of the account's reach, and
    opening that folder is not ours to do.
    """
    if account.can_traverse(binaries.folder):
        return binaries
    target = copies / f"binaries-{'.'.join(map(str, binaries.version))}"
    here = target / binaries.folder.relative_to(binaries.roots[0].parent)
    if not target.exists():
        unfinished = copies / f"{target.name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        for root in binaries.roots:
            if root.is_dir():
                shutil.copytree(
                    root,
                    unfinished / root.name,
                    symlinks=True,
                    ignore=shutil.ignore_patterns("include", "__pycache__", "doc", "man"),
                )
        for folder, _, files in os.walk(unfinished):
            os.chmod(folder, 0o755)
            for file in files:
                path = Path(folder, file)
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        unfinished.rename(target)
    return Binaries(here, binaries.version, binaries.from_wheel)
