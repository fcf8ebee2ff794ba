"""The refresh in the downgrade of 0009: every frozen child gets its parent's values again."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.application_triggers import VARIABLE, silently
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.lost_values import lock_parents
from membership_refactor.sql.parallel.sides import Sides, function, set_to
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.types import differs


def refresh_function(names: Names, child: Table) -> tuple[Statement, ...]:
    """``refresh(lo, hi)``: makes children in [lo, hi] equal to their parents; returns the count."""
    plan = names.plan
    sides = Sides(names, child)
    apart = differs(sides.deprecated, "c", "p")
    # All children of a parent at once: their greatest time has to be read before one is set.
    family = (
        f"c.{sides.link} IN (SELECT r.{sides.link} FROM {names.copy} AS r "
        f"WHERE r.{sides.id} BETWEEN lo AND hi)"
    )
    newest, changed = "", ""
    for column in sides.changed:
        t = ident(column)
        # If a parent changed after its children, they get its time. Otherwise each child keeps its
        # own, and the rows are as they were before the columns were dropped. If old values are
        # still there, a difference is a change, so the child gets the later of both times.
        newest = (
            f"\n  CROSS JOIN LATERAL (SELECT pg_catalog.max(s.{t}) AS time FROM {names.copy} AS s"
            f" WHERE s.{sides.link} = p.{sides.uuid}) AS newest"
        )
        changed = (
            f", {t} = CASE WHEN p.{t} > newest.time OR "
            f"pg_catalog.num_nonnulls({sides.row_of('c')}) > 0 "
            f"THEN GREATEST(c.{t}, p.{t}) ELSE c.{t} END"
        )
    work = f"""{lock_parents(sides, f"{family} AND {apart}")}
  UPDATE {names.copy} AS c SET {set_to(plan.deprecated, "p")}{changed}
  FROM {names.parent} AS p{newest}
  WHERE p.{sides.uuid} = c.{sides.link} AND {family} AND {apart};
  GET DIAGNOSTICS written = ROW_COUNT;"""
    body = f"  {silently(names, sides.tables, work)}\n  RETURN written;"
    return function(
        names.own("refresh"),
        f"lo {sides.id_type}, hi {sides.id_type}",
        "bigint",
        body,
        declare=f"  written bigint; {VARIABLE}",
    )
