"""Servers that live as long as this process: made in a folder of their own, and removed with it."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from membership_refactor.database.binaries import Binaries
from membership_refactor.database.cluster import Cluster, StopMode
from membership_refactor.database.remains import OwnedFolder, remove_remains
from membership_refactor.database.unprivileged import (
    LONGEST_SOCKET_FOLDER,
    Account,
    open_folders,
    reachable,
    server_account,
)
from membership_refactor.errors import NoDatabase


class LaunchedServer:
    """A server that lives as long as this process, or until ``remove``."""

    def __init__(self, cluster: Cluster, folder: OwnedFolder) -> None:
        self._cluster = cluster
        self._folder = folder
        self._pid = os.getpid()
        self.server = cluster.describe()
        atexit.register(self.remove)

    def start(self) -> None:
        """Start the server again, at the same place. With TCP it gets another port."""
        self._cluster.start()
        self.server = self._cluster.describe()

    def stop(self, mode: StopMode = "fast") -> None:
        self._cluster.stop(mode)

    def write_settings(self, settings: Mapping[str, str]) -> None:
        """Append settings for the next ``start``."""
        self._cluster.write_settings(settings)

    def remove(self) -> None:
        """Stop the server and remove its folder. A forked child does nothing."""
        if os.getpid() != self._pid:
            return
        atexit.unregister(self.remove)
        self._cluster.stop("immediate")
        self._folder.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()


def launch(
    binaries: Binaries,
    *,
    settings: Mapping[str, str] | None = None,
    initdb_options: Sequence[str] = (),
    folder: Path | None = None,
    tcp: bool = False,
    password: str | None = None,
) -> LaunchedServer:
    """Start a new, empty server below ``folder``, or below a temporary folder."""
    account = server_account()
    parent = folder if folder is not None else _temporary_folder(account)
    if not account.can_traverse(parent):
        raise NoDatabase(
            f"The user {account.name}, who runs the server, cannot reach {parent}.",
            hint="Choose a folder that every user may enter, with all folders above it.",
        )
    remove_remains(parent)
    owned = OwnedFolder(parent)
    _end_cleanly_when_terminated()
    try:
        log = owned.path / "log"
        log.touch()
        account.own(log)
        cluster = Cluster(
            reachable(binaries, account, owned.path),
            account,
            data=owned.path / "data",
            socket_folder=owned.path / "socket",
            log=log,
            tcp=tcp,
            password=password,
        )
        try:
            cluster.initialise(settings, initdb_options=initdb_options)
            cluster.start()
            return LaunchedServer(cluster, owned)
        except BaseException:
            cluster.stop("immediate")
            raise
    except BaseException:
        owned.remove()
        raise


def _temporary_folder(account: Account) -> Path:
    for folder in open_folders(account):
        if len(os.fsencode(folder)) + len("/membership_refactor-12345678/socket") <= (
            LONGEST_SOCKET_FOLDER
        ):
            return folder
    raise NoDatabase(
        f"The user {account.name}, who runs the server, can reach no folder for temporary files.",
        hint="Give /tmp the mode 1777, or set DATABASE_URL.",
    )


def _end_cleanly_when_terminated() -> None:
    """Make SIGTERM end this process through ``atexit``, unless it is handled already."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
