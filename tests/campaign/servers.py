"""The servers of a campaign, and the way of its database from one to another."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from sqlalchemy import make_url

from membership_refactor.database import (
    Binaries,
    LaunchedServer,
    create_database,
    drop_database,
    launch,
    libpq_url,
)
from tests.campaign.events import roles

OWNER, DATABASE, ARRIVING = "campaign_dba", "campaign", "campaign_arriving"
SETTINGS = {
    "fsync": "off",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "shared_buffers": "64MB",
    "wal_level": "replica",
}


@contextmanager
def launched(binaries: Binaries, count: int) -> Iterator[tuple[LaunchedServer, ...]]:
    """Servers with the campaign's roles; without pg_dump there is only one."""
    with ExitStack() as stack:
        servers = tuple(
            stack.enter_context(launch(binaries, settings=SETTINGS))
            for _ in range(count if shutil.which("pg_dump") else 1)
        )
        for server in servers:
            with psycopg.connect(libpq_url(server.server.url), autocommit=True) as pg:
                for text in roles(OWNER):
                    pg.execute(text.encode())
        yield servers


def created(server: LaunchedServer, name: str = DATABASE) -> str:
    """An empty database in which the owner may create; its URL."""
    url = create_database(server.server.url, name, template="template0")
    with psycopg.connect(libpq_url(url), autocommit=True) as pg:
        pg.execute(f"GRANT CREATE ON DATABASE {name} TO {OWNER}".encode())
        pg.execute(f"GRANT CREATE ON SCHEMA public TO {OWNER}".encode())
    return url


def as_owner(url: str) -> str:
    """The database as the login that migrates."""
    return make_url(url).set(username=OWNER).render_as_string(hide_password=False)


def moved(url: str, source: LaunchedServer, target: LaunchedServer) -> str:
    """Dumps the database and restores it on ``target``; the old one is gone. Its new URL."""
    arriving = created(target, ARRIVING)
    dump = subprocess.run(
        [str(shutil.which("pg_dump")), "-Fc", "-d", libpq_url(url)], capture_output=True, check=True
    )
    subprocess.run(
        [str(shutil.which("pg_restore")), "--exit-on-error", "-d", libpq_url(arriving)],
        input=dump.stdout,
        capture_output=True,
        check=True,
    )
    drop_database(source.server.url, DATABASE)
    with psycopg.connect(libpq_url(target.server.url), autocommit=True) as pg:
        pg.execute(f"ALTER DATABASE {ARRIVING} RENAME TO {DATABASE}".encode())
    return make_url(arriving).set(database=DATABASE).render_as_string(hide_password=False)
