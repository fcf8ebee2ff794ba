"""Invariants of parent and child: queries that return what breaks them, empty in every snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.collection import childless_query, version_8
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.types import differs


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence, and the query of the keys that break it."""

    name: str
    sentence: str
    query: str


def invariants(plan: TableSplit, names: Names, child: Table) -> tuple[Invariant, ...]:
    """The five, each a join by uuid or a grouping; key or uuid comes first in every row."""
    sides = Sides(plan, names, child)
    u, link = sides.uuid, sides.link
    joined = f"FROM {names.copy} AS c JOIN {names.parent} AS p ON p.{u} = c.{link}\nWHERE "
    found = [
        Invariant(
            "child_has_parent",
            "every child has a parent",
            f"SELECT c.{sides.id}\nFROM {names.copy} AS c "
            f"LEFT JOIN {names.parent} AS p ON p.{u} = c.{link}\nWHERE p.{u} IS NULL",
        ),
        Invariant(
            "same_key",
            "every child has its parent's key",
            f"SELECT c.{sides.id}\n{joined}{differs(sides.key, 'c', 'p')}",
        ),
        Invariant(
            "one_parent_per_key",
            "no two parents share a key",
            f"SELECT {sides.row_of('p', sides.key)}\nFROM {names.parent} AS p\n"
            f"GROUP BY {sides.row_of('p', sides.key)} HAVING pg_catalog.count(*) > 1",
        ),
        Invariant(
            "no_abandoned_parent",
            "every parent that the tool made has a child",
            f"SELECT f.{u}\nFROM ({childless_query(sides)}) AS f\n"
            f"WHERE {version_8(f'f.{u}')}\n"
            f"  AND NOT EXISTS (SELECT FROM {names.own('emptied')} AS e WHERE e.uuid = f.{u})",
        ),
    ]
    if sides.values:
        found.insert(
            2,
            Invariant(
                "same_values",
                "every child has its parent's values",
                f"SELECT c.{sides.id}\n{joined}{differs(sides.values, 'c', 'p')}",
            ),
        )
    return tuple(found)
