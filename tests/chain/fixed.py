"""A small wide table with every hard case, and a copy of it at each revision."""

from __future__ import annotations

from typing import Any

import psycopg

from membership_refactor.testing.scratch_databases import Build, Databases
from tests.chain.driver import Chain, Subject, build, insert
from tests.chain.subjects import MEMBERSHIP
from tests.fixtures.databases import Layer

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


def layer(
    revision: str,
    *,
    subject: Subject = MEMBERSHIP,
    name: str = "fixed",
    first: Build = FIXED,
    down: bool = False,
) -> Layer:
    """The database as it is at ``revision``, over the one at the revision before.

    ``down`` means: on the way back from the last revision.
    """
    start, last = subject.start, subject.revisions[-1]
    chain = [start, *subject.revisions]

    def standing(revision: str, down: bool) -> Layer:
        key = f"chain {name} {'down ' if down else ''}{revision}"
        if revision == start and not down:
            return Layer(key, first)
        if down and revision == last:
            return standing(last, False)
        place = chain.index(revision)
        before = chain[place + 1 if down else place - 1]

        def go(url: str) -> None:
            if down:
                Chain(url, subject).down(before)
            else:
                Chain(url, subject).up(revision)

        return Layer(key, go, standing(before, down))

    return standing(revision, down)


def at(
    databases: Databases,
    revision: str,
    *,
    subject: Subject = MEMBERSHIP,
    name: str = "fixed",
    first: Build = FIXED,
    down: bool = False,
) -> str:
    """A copy of the database as it is at ``revision``."""
    wanted = layer(revision, subject=subject, name=name, first=first, down=down)
    return wanted.copied(databases)
