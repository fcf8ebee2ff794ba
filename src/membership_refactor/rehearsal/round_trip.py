"""What the plan's tables hold, and whether a round trip gave it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from membership_refactor.rehearsal.findings import Finding, Kind
from membership_refactor.rehearsal.tables_to_try import Wide, columns_of
from membership_refactor.sql.quoting import qualified

Contents = dict[str, tuple[int, str]]
"""By table: how many rows it has, and a digest of all that is in them."""


def contents(pg: psycopg.Connection[Any], wide: Wide) -> Contents:
    """Read the tables of the plan that exist. The order of their columns does not count."""
    found = {}
    plan = wide.plan
    for table in dict.fromkeys((plan.source, plan.child, plan.parent)):
        name = qualified(wide.schema, table) if table else ""
        if name and columns_of(pg, name):
            row = pg.execute(
                (
                    "SELECT pg_catalog.count(*), coalesce(pg_catalog.sum("
                    "pg_catalog.hashtextextended(pg_catalog.to_jsonb(t)::text, 0)::numeric), "
                    f"0)::text FROM {name} AS t"
                ).encode()
            ).fetchone()
            assert row is not None
            found[name] = (int(row[0]), str(row[1]))
    return found


def changed(one: Contents, other: Contents, after: str) -> Iterator[Finding]:
    """A finding for each table that holds something else than before."""
    for table in sorted(one.keys() | other.keys()):
        a, b = one.get(table), other.get(table)
        if a == b:
            continue
        if a is None or b is None:
            said = "the table is there only " + ("before" if b is None else "afterwards")
        elif a[0] != b[0]:
            said = f"{a[0]:,} rows became {b[0]:,}"
        else:
            said = "values of its rows changed"
        yield Finding(kind=Kind.DIFFERS, stages=(after,), table=table, what=said)
