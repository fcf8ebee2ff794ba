"""Compares what the writers recorded with what is in the tables."""

from __future__ import annotations

from typing import Any

import psycopg

from membership_refactor.demo.writers import Record, Row, expected

CHUNK = 5_000

CURRENT = """
SELECT c.id, p.person_id, p.programme_membership_type, p.programme_start_date,
  p.programme_end_date, p.leaving_reason, c.period_of_grace
FROM curriculum_membership AS c
JOIN programme_membership AS p ON p.uuid = c.programme_membership_uuid
WHERE c.id = ANY (%s)"""
"""As applications read them from 0008 on."""

COLUMNS = (
    "person_id",
    "programme_membership_type",
    "programme_start_date",
    "programme_end_date",
    "leaving_reason",
    "period_of_grace",
)


def missing_or_changed(pg: psycopg.Connection[Any], records: list[Record]) -> list[str]:
    """Return one line for every commit that is missing or changed in the tables."""
    known: dict[int, Row | None] = dict(expected(records))
    found: dict[int, Row] = {}
    ids = sorted(known)
    for start in range(0, len(ids), CHUNK):
        for row in pg.execute(CURRENT, (ids[start : start + CHUNK],)):
            found[row[0]] = dict(zip(COLUMNS, row[1:], strict=True))
    wrong = []
    for child, row in known.items():
        there = found.get(child)
        if row is None and there is not None:
            wrong.append(f"row {child} was deleted, and is still there")
        elif row is not None and there is None:
            wrong.append(f"row {child} was committed, and is missing")
        elif row is not None and there != row:
            apart = [c for c in COLUMNS if there is not None and there[c] != row[c]]
            wrong.append(f"row {child} differs in {', '.join(apart)}")
    return wrong
