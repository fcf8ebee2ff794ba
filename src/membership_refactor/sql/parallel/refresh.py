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


def list_newer(names: Names, child: Table) -> tuple[Statement, ...]:
    """List the parents that changed after their children, before a child gets a parent's time.

    So a batch need not take all children of a parent. A parent that changes after this has written
    all its children itself.
    """
    sides = Sides(names, child)
    newer = names.own("newer")
    return (
        Statement(f"DELETE FROM {newer}"),
        *(
            Statement(
                f"INSERT INTO {newer} (uuid)\n"
                f"SELECT p.{sides.uuid} FROM {names.parent} AS p\n"
                f"JOIN (SELECT c.{sides.link}, pg_catalog.max(c.{ident(column)}) AS time\n"
                f"  FROM {names.child} AS c GROUP BY 1) AS g ON g.{sides.link} = p.{sides.uuid}\n"
                f"WHERE p.{ident(column)} > g.time"
            )
            for column in sides.changed
        ),
    )


def refresh_function(names: Names, child: Table) -> tuple[Statement, ...]:
    """``refresh(lo, hi)``: makes children in [lo, hi] equal to their parents; returns the count."""
    plan = names.plan
    sides = Sides(names, child)
    variable, fill, batch = sides.id.batch(names.child, "c")
    mine = f"{batch} AND {differs(sides.deprecated, 'c', 'p')}"
    newer = f"EXISTS (SELECT FROM {names.own('newer')} AS n WHERE n.uuid = p.{sides.uuid})"
    since = f"NOT (ROW({sides.row_of('c', sides.leaving)}) IS NULL) OR {newer}"
    changed = ""
    for column in sides.changed:
        t = ident(column)
        # If a parent changed after its children, they get its time. Otherwise each child keeps its
        # own, and the rows are as they were before the columns were dropped. If old values are
        # still there, a difference is a change, so the child gets the later of both times.
        changed = f", {t} = CASE WHEN {since} THEN GREATEST(c.{t}, p.{t}) ELSE c.{t} END"
    changed += "".join(f", {item}" for item in sides.raised(since))
    work = f"""{lock_parents(sides, mine)}
  UPDATE {names.child} AS c SET {set_to(plan.deprecated, "p")}{changed}
  FROM {names.parent} AS p
  WHERE p.{sides.uuid} = c.{sides.link} AND {mine};
  GET DIAGNOSTICS written = ROW_COUNT;"""
    body = f"  {fill}{silently(names, sides.tables, work)}\n  RETURN written;"
    return function(
        names.own("refresh"),
        f"lo {sides.id_type}, hi {sides.id_type}",
        "bigint",
        body,
        declare=f"  written bigint; {VARIABLE}{variable}",
        path=names.search_path,
        settings=sides.id.settings,
    )
