"""What the tables of a plan hold and look like, and in what two moments differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg

from membership_refactor.catalog.read import read_portrait
from membership_refactor.database import libpq_url
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.portrait_differences import differences
from membership_refactor.sql.quoting import literal, qualified

SHOWN = 3
"""Rows of each kind that a message lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The tables of a plan at one moment."""

    rows: dict[str, Counter[str]]
    """By table: each row as JSON. The order of the columns does not count."""
    structure: Portrait


def snapshot(url: str, plan: TableSplit, schema: str) -> Snapshot:
    """Read every table of the plan that exists."""
    names = tuple(
        dict.fromkeys(n for n in (plan.source, plan.child, plan.parent, plan.retired) if n)
    )
    rows: dict[str, Counter[str]] = {}
    with psycopg.connect(libpq_url(url), autocommit=True) as pg:
        pg.execute("SET TimeZone = 'UTC'")
        for name in names:
            table = qualified(schema, name)
            there = pg.execute(f"SELECT pg_catalog.to_regclass({literal(table)})".encode())
            if there.fetchone() != (None,):
                found = pg.execute(
                    f"SELECT pg_catalog.to_jsonb(t)::text FROM {table} AS t".encode()
                )
                rows[name] = Counter(text for (text,) in found)
        structure = read_portrait(pg, schema, names)
    return Snapshot(rows=rows, structure=structure)


def without_refilled(taken: Snapshot, plan: TableSplit, steps: tuple[str, ...]) -> Snapshot:
    """The snapshot without what the downgrade of these steps leaves empty.

    Dropped columns and the retired table come back empty; the downgrades below fill them.
    """
    rows = dict(taken.rows)
    if "drop_retired_table" in steps:
        rows.pop(plan.retired, None)
    if "drop_deprecated_columns" in steps:
        texts = rows.pop(plan.child, Counter())
        rows[plan.child] = Counter()
        for text, count in texts.items():
            kept = {c: v for c, v in json.loads(text).items() if c not in plan.leaving}
            rows[plan.child][json.dumps(kept)] += count
    return replace(taken, rows=rows)


def without_archive(taken: Snapshot, plan: TableSplit, step: str) -> Snapshot:
    """The snapshot, taken when that step has run, without what a downgrade brings up to date.

    An upgrade retires the rows of its day; and what is written while the deprecated columns are
    frozen is without them.
    """
    rows = {table: found for table, found in taken.rows.items() if table != plan.retired}
    frozen = ("drop_deprecated_columns",) if step == "stop_parallel_save" else ()
    return without_refilled(replace(taken, rows=rows), plan, frozen)


def changes(before: Snapshot, after: Snapshot, plan: TableSplit) -> Iterator[str]:
    """A line for each difference; uuids are in the columns of the link and of the parent's id."""
    yield from differences(before.structure, after.structure)
    for table in before.rows.keys() & after.rows.keys():
        gone, new = before.rows[table] - after.rows[table], after.rows[table] - before.rows[table]
        ids = (plan.parent_id,) if table == plan.parent else plan.ids
        id = ", ".join(ids)
        was, now = _by_id(gone, ids), _by_id(new, ids)
        both = sorted(was.keys() & now.keys())
        for key in both[:SHOWN]:
            columns = (c for c in was[key] if was[key].get(c) != now[key].get(c))
            said = ", ".join(f"{c} was {was[key][c]!r}, is {now[key].get(c)!r}" for c in columns)
            yield f'table "{table}", {id} {key}: {said}'
        if len(both) > SHOWN:
            yield f'table "{table}": {len(both) - SHOWN} more rows have other values'
        for rows, said in ((was, "is gone"), (now, "was not there")):
            other = sorted(rows.keys() - set(both))
            for key in other[:SHOWN]:
                yield f'table "{table}", {id} {key}: the row {said}'
            if len(other) > SHOWN:
                yield f'table "{table}": {len(other) - SHOWN} more rows: each {said}'


def _by_id(rows: Counter[str], ids: tuple[str, ...]) -> dict[str, dict[str, object]]:
    found = {}
    for text in rows:
        row = json.loads(text)
        found[", ".join(str(row.get(c)) for c in ids)] = row
    return found
