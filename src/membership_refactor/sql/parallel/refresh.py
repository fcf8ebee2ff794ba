"""Refresh: on the way down every frozen child gets its parent's values again."""

from __future__ import annotations

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Table
from membership_refactor.sql.identifiers import ident
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.replaced import lock_parents
from membership_refactor.sql.parallel.sides import Sides, function, set_to
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.types import differs


def refresh_function(plan: TableSplit, names: Names, child: Table) -> tuple[Statement, ...]:
    """``refresh(lo, hi)``: children in [lo, hi] agree with their parents; counts who did not."""
    sides = Sides(plan, names, child)
    apart = differs(sides.deprecated, "c", "p")
    changed = "".join(f", {ident(c)} = GREATEST(c.{ident(c)}, p.{ident(c)})" for c in sides.changed)
    body = f"""  {lock_parents(sides, f"c.{sides.id} BETWEEN lo AND hi AND {apart}")}
  UPDATE {names.copy} AS c SET {set_to(plan.deprecated, "p")}{changed}
  FROM {names.parent} AS p
  WHERE p.{sides.uuid} = c.{sides.link} AND c.{sides.id} BETWEEN lo AND hi AND {apart};
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;"""
    return function(
        names.own("refresh"),
        f"lo {sides.id_type}, hi {sides.id_type}",
        "bigint",
        body,
        declare="  written bigint;",
    )
