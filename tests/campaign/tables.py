"""Where the campaign plays: rows that nobody touches, hot keys that all share, a control table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

BASE_PERSONS = 400
HOT_PERSON, FIRST_WRITER = 9_001, 10_000
PROGRAMME = CURRICULUM = 1
KEY = (
    "person_id",
    "programme_id",
    "programme_membership_type",
    "programme_start_date",
    "programme_end_date",
)
Key = tuple[int, int, str | None, date | None, date | None]

HOT: tuple[Key, ...] = tuple(
    (HOT_PERSON, PROGRAMME, kind, start, None)
    for kind, start in (
        ("SUBSTANTIVE", date(2020, 8, 5)),
        ("LAT", date(2020, 8, 5)),
        (None, date(2020, 8, 5)),
        ("", None),
        (None, None),
    )
)
"""Keys under which every writer has rows: parents are found, made, emptied and merged there."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as its writer knows it."""

    key: Key
    reason: str | None
    grace: int
    hot: bool
    """Others write under the same key too, so ``reason`` is not this writer's alone."""


FILL = f"""
INSERT INTO programme (id, programme_name) OVERRIDING SYSTEM VALUE VALUES ({PROGRAMME}, 'p');
INSERT INTO curriculum (id, name) OVERRIDING SYSTEM VALUE VALUES ({CURRICULUM}, 'c');
INSERT INTO person (id, surname) OVERRIDING SYSTEM VALUE
  SELECT n, 'p' || n FROM generate_series(1, {BASE_PERSONS}) AS n
  UNION ALL SELECT n, 'w' || n FROM generate_series({HOT_PERSON}, {FIRST_WRITER + 50}) AS n;
INSERT INTO programme_membership (person_id, programme_id, curriculum_id,
    programme_membership_type, programme_start_date, programme_end_date, leaving_reason,
    period_of_grace, amended_date)
  SELECT p, {PROGRAMME}, {CURRICULUM}, (ARRAY['SUBSTANTIVE', 'LAT', NULL, ''])[g % 4 + 1],
    CASE WHEN p % 7 > 0 THEN date '2019-08-07' + g END,
    CASE WHEN g % 2 > 0 THEN date '2030-01-01' END,
    CASE WHEN p % 3 > 0 THEN 'r' || p || '.' || g END, p + c,
    timestamptz '2020-01-01' + p * interval '1 min'
  FROM generate_series(1, {BASE_PERSONS}) AS p, generate_series(1, 2) AS g,
    generate_series(1, 3) AS c;
CREATE SCHEMA campaign;
CREATE TABLE campaign.marker (token text PRIMARY KEY);
CREATE TABLE campaign.control (hot integer PRIMARY KEY, value text, n bigint NOT NULL DEFAULT 0,
  epoch integer);
INSERT INTO campaign.control (hot) SELECT generate_series(0, {len(HOT) - 1});
"""


def fill(pg: psycopg.Connection[Any]) -> None:
    """The base rows and the control table; in an empty schema at 0002."""
    pg.execute(FILL)


WIDE = f"""
SELECT t.id, {", ".join(f"t.{c}" for c in KEY)}, t.leaving_reason, t.period_of_grace, NULL
FROM {{}} AS t"""
SPLIT = f"""
SELECT c.id, {", ".join(f"p.{c}" for c in KEY)}, p.leaving_reason, c.period_of_grace, p.uuid::text
FROM curriculum_membership AS c
JOIN programme_membership AS p ON p.uuid = c.programme_membership_uuid"""


def reading(revision: str) -> str:
    """How an application reads every row at that revision."""
    if revision < "0005":
        return WIDE.format("programme_membership")
    return WIDE.format("curriculum_membership") if revision < "0008" else SPLIT
