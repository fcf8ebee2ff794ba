"""A data folder over any folder of PostgreSQL programs: initdb, start, stop."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import psycopg
from sqlalchemy import URL

from membership_refactor.database.binaries import Binaries
from membership_refactor.database.remains import postmaster_of
from membership_refactor.database.server import Server
from membership_refactor.database.unprivileged import Account
from membership_refactor.errors import NoDatabase

StopMode = Literal["smart", "fast", "immediate"]
SUPERUSER = "postgres"
SOCKET_PORT = 5432
_USE_ANOTHER = "Set DATABASE_URL to use a PostgreSQL that is already running."


class Cluster:
    """A data folder and the programs for it: made, started and stopped, as often as needed.

    Connections come over a socket in a folder that only the server's user and root can enter, so
    that no other user of the machine gets in, and no port has to be found. ``tcp`` opens a port
    on 127.0.0.1 as well; on a machine with other users it wants a ``password``.
    """

    def __init__(
        self,
        binaries: Binaries,
        account: Account,
        *,
        data: Path,
        socket_folder: Path,
        log: Path,
        tcp: bool = False,
        password: str | None = None,
    ) -> None:
        self._binaries = binaries
        self._account = account
        self._data = data
        self._socket_folder = socket_folder
        self._log = log
        self._tcp = tcp
        self._password = password
        self._port = SOCKET_PORT

    @property
    def running(self) -> bool:
        return postmaster_of(self._data) is not None

    def initialise(
        self, settings: Mapping[str, str] | None = None, *, initdb_options: Sequence[str] = ()
    ) -> None:
        """The data folder is made: UTF8, data checksums off, the settings in its configuration."""
        self._make_private(self._data)
        method = "trust" if self._password is None else "scram-sha-256"
        line: list[str | Path] = [self._binaries.program("initdb"), "-D", self._data]
        line += ["-U", SUPERUSER, "-A", method, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        with self._password_file() as password_file:
            if password_file is not None:
                line += [f"--pwfile={password_file}"]
            answer = self._account.run([*line, *initdb_options])
        if answer.returncode:
            reason = (answer.stderr or answer.stdout).strip()
            raise NoDatabase(
                f"initdb of {self._binaries.source} failed: {reason}",
                hint=_USE_ANOTHER,
            )
        self.write_settings(settings or {})

    def write_settings(self, settings: Mapping[str, str]) -> None:
        """Append the settings, which count from the next start. Later lines win."""
        lines = [f"{name} = '{_quoted(value)}'\n" for name, value in settings.items()]
        with open(self._data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(lines)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._make_private(self._socket_folder)
        last = ""
        for _ in range(5):
            self._port = _free_port() if self._tcp else SOCKET_PORT
            self.write_settings(
                {
                    "listen_addresses": "127.0.0.1" if self._tcp else "",
                    "port": str(self._port),
                    "unix_socket_directories": str(self._socket_folder),
                }
            )
            line: list[str | Path] = [
                self._binaries.program("pg_ctl"),
                "-D",
                self._data,
                "-l",
                self._log,
            ]
            answer = self._account.run([*line, "-w", "-t", "60", "-s", "start"])
            if answer.returncode == 0:
                return
            last = (answer.stderr + self._end_of_log()).strip()
            # Somebody else took the port in between, so another one is tried.
            if not (self._tcp and "Address already in use" in last):
                break
        raise NoDatabase(
            f"{self._binaries.source} does not start: {last}",
            hint=_USE_ANOTHER,
        )

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server. ``immediate`` is like a crash: the next start recovers from the WAL."""
        if not self.running:
            return
        line: list[str | Path] = [self._binaries.program("pg_ctl"), "-D", self._data, "-m", mode]
        self._account.run([*line, "-w", "-t", "60", "-s", "stop"])

    def describe(self) -> Server:
        """Return the running server, with its version."""
        host = "127.0.0.1" if self._tcp else str(self._socket_folder)
        url = URL.create(
            "postgresql+psycopg",
            username=SUPERUSER,
            password=self._password,
            host=host if self._tcp else None,
            port=self._port if self._tcp else None,
            database="postgres",
            query={} if self._tcp else {"host": host, "port": str(self._port)},
        )
        with psycopg.connect(
            host=host,
            port=self._port,
            user=SUPERUSER,
            password=self._password,
            dbname="postgres",
            autocommit=True,
        ) as connection:
            version = connection.info.server_version
        return Server(
            url=url.render_as_string(hide_password=False),
            source=self._binaries.source,
            host=host,
            port=self._port,
            version=version,
            data=self._data,
            socket_folder=self._socket_folder,
            log=self._log,
        )

    def _make_private(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        self._account.own(folder)

    @contextlib.contextmanager
    def _password_file(self) -> Iterator[Path | None]:
        if self._password is None:
            yield None
            return
        # Beside the data folder, because initdb requires that to be empty.
        folder = self._data.with_name("password")
        self._make_private(folder)
        file = folder / "superuser"
        try:
            file.touch(0o600)
            file.write_text(self._password + "\n", encoding="utf-8")
            self._account.own(file)
            yield file
        finally:
            file.unlink(missing_ok=True)
            folder.rmdir()

    def _end_of_log(self) -> str:
        try:
            text = self._log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n" + "\n".join(text.splitlines()[-8:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
