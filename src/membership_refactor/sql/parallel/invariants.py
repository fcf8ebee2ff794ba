"""Invariants of parent and child: queries that return what breaks them, empty in every snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.portrait import Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.parents.parent_uuid import version_8
from membership_refactor.sql.shared_scan import Look
from membership_refactor.sql.types import differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A sentence, and a look at what breaks it."""

    name: str
    sentence: str
    look: Look


def invariants(names: Names, child: Table) -> tuple[Invariant, ...]:
    """The five; four of them look at the same join, so that one pass serves them."""
    sides = Sides(names, child)
    u, link = sides.uuid, sides.link
    key = sides.row_of("p", sides.key)
    emptied = f"EXISTS (SELECT FROM {names.own('emptied')} AS e WHERE e.uuid = p.{u})"
    pair = f"c.{sides.id} IS NOT NULL AND p.{u} IS NOT NULL"

    def at_both(key: str, broken: str) -> Look:
        rows = f"{names.copy} AS c FULL JOIN {names.parent} AS p ON p.{u} = c.{link}"
        return Look(rows=rows, key=key, broken=broken)

    found = [
        Invariant(
            name="child_has_parent",
            sentence="every child has a parent",
            look=at_both(f"c.{sides.id}", f"p.{u} IS NULL"),
        ),
        Invariant(
            name="same_key",
            sentence="every child has its parent's key",
            look=at_both(f"c.{sides.id}", f"{pair} AND {differs(sides.key, 'c', 'p')}"),
        ),
        Invariant(
            name="one_parent_per_key",
            sentence="no two parents share a key",
            look=Look(
                rows=(
                    f"(SELECT ROW ({key}) AS key FROM {names.parent} AS p\n"
                    f"GROUP BY {key} HAVING pg_catalog.count(*) > 1) AS k"
                ),
                key="k.key",
                broken="true",
            ),
        ),
        Invariant(
            name="no_abandoned_parent",
            sentence="every parent that the tool made has a child",
            look=at_both(
                f"p.{u}", f"c.{sides.id} IS NULL AND {version_8(f'p.{u}')} AND NOT {emptied}"
            ),
        ),
    ]
    if sides.values:
        same = f"{pair} AND {differs(sides.values, 'c', 'p')}"
        found.insert(
            2,
            Invariant(
                name="same_values",
                sentence="every child has its parent's values",
                look=at_both(f"c.{sides.id}", same),
            ),
        )
    return tuple(found)
