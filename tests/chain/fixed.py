"""A small wide table with every hard case, and a copy of it at each revision."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import make_url

from membership_refactor.database import create_database, drop_database, libpq_url
from membership_refactor.testing.scratch_databases import Build, Databases
from tests.chain.driver import Chain, Subject, build, insert
from tests.chain.subjects import MEMBERSHIP

KEYS: tuple[tuple[Any, ...], ...] = (
    (1, 1, "SUBSTANTIVE", "2020-01-01", "2021-01-01"),
    (1, 1, "SUBSTANTIVE", "2020-01-01", None),
    (1, 1, None, "2020-01-01", None),
    (1, 1, "", "2020-01-01", None),
    (1, 1, None, None, None),
    (1, 1, "Substantive", "2020-01-01", "2021-01-01"),
    (1, 1, "SUBSTANTIVE ", "2020-01-01", "2021-01-01"),
    (0, -1, "NULL", "1800-01-01", "infinity"),
    (0, -1, "\\N", "-infinity", None),
    (2, 0, "MILITARY", "2020-01-01", "2020-01-01"),
)
TIMES = ("2020-01-01 00:00:00+00", "2021-06-01 10:00:00.001+00", "2021-06-01 10:00:00.001+00")
KEY = MEMBERSHIP.plan.key


def hard_rows() -> list[dict[str, Any]]:
    """Three rows of each key, which disagree; one row alone; gaps between the ids."""
    rows = []
    for n, (key, nth) in enumerate((k, i) for i in range(3) for k in KEYS):
        rows.append({
            "id": 2 * n + (n > 10),
            **dict(zip(KEY, key, strict=True)),
            "curriculum_id": n % 3,
            "rotation": (None, "one", "Two")[(n + nth) % 3],
            "rotation_id": (0, None, 1)[nth],
            "training_pathway": ("CCT", "N/A", None)[(n // 2) % 3],
            "leaving_reason": "same",
            "curriculum_start_date": "infinity" if n == 4 else "2020-01-01",
            "amended_date": TIMES[(nth + n) % 3],
        })  # fmt: skip
    return rows[:-3]


def fill(connection: psycopg.Connection[Any]) -> None:
    insert(MEMBERSHIP, hard_rows())(connection)
    connection.execute(
        "SELECT setval(pg_get_serial_sequence('public.programme_membership', 'id'), 100)"
    )


FIXED = build(MEMBERSHIP, fill)


def at(
    databases: Databases,
    revision: str,
    *,
    subject: Subject = MEMBERSHIP,
    name: str = "fixed",
    first: Build = FIXED,
    down: bool = False,
) -> str:
    """A copy of the database as it is at ``revision``; each is built once, from the one before.

    ``down`` means: on the way back from the last revision.
    """
    start, last = subject.start, subject.revisions[-1]
    chain = [start, *subject.revisions]
    key = f"chain {name} {'down ' if down else ''}{revision}"

    def built(url: str) -> None:
        if revision == start and not down:
            first(url)
            return
        if down and revision == last:
            earlier = at(databases, last, subject=subject, name=name, first=first)
        else:
            neighbour = chain[chain.index(revision) + (1 if down else -1)]
            earlier = at(databases, neighbour, subject=subject, name=name, first=first, down=down)
        clone(databases, earlier, url)
        databases.drop(earlier)
        if down and revision != last:
            Chain(url, subject).down(chain[chain.index(revision) + 1])
        elif not down:
            Chain(url, subject).up(revision)

    return databases.copy_of(key, built)


def clone(databases: Databases, earlier: str, url: str) -> None:
    """``url`` becomes a copy of ``earlier``, to which nobody may be connected."""
    name = make_url(url).database or ""
    drop_database(databases.server.url, name)
    create_database(
        databases.server.url,
        name,
        template=make_url(earlier).database or "",
        strategy="file_copy" if databases.server.data is not None else "wal_log",
    )


def copied(databases: Databases, earlier: str) -> str:
    """Another copy of ``earlier``, once everybody has left it."""
    url = databases.new()
    wait_until_left(databases, earlier)
    clone(databases, earlier, url)
    return url


def wait_until_left(databases: Databases, url: str) -> None:
    """A killed client's server process has seen that, and gone."""
    name = make_url(url).database
    with psycopg.connect(libpq_url(databases.server.url), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_catalog.pg_terminate_backend(pid, 20000) "
            "FROM pg_catalog.pg_stat_activity WHERE datname = %s",
            (name,),
        )
