"""A running PostgreSQL server as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from membership_refactor.database.url import with_database


@dataclass(frozen=True, slots=True)
class Server:
    """A server to connect to. Whoever started it has to stop it."""

    # SQLAlchemy's URL of the maintenance database; it may hold a password.
    url: str
    source: str
    # A host name, or the folder of the socket: libpq takes both.
    host: str
    port: int
    # As in server_version_num: 150014, 180006.
    version: int
    # Only where this machine runs the server.
    data: Path | None = None
    socket_folder: Path | None = None
    log: Path | None = None

    def database_url(self, database: str) -> str:
        """SQLAlchemy's URL of another database of this server."""
        return with_database(self.url, database)
