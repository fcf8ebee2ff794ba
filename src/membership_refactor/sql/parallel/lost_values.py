"""Lost values: the ledger records a child's own value before the parent's value replaces it."""

from __future__ import annotations

from collections.abc import Mapping

from membership_refactor.portrait import Table
from membership_refactor.sql.application_triggers import VARIABLE, silently
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.ledger_tables import by, lost, was
from membership_refactor.sql.parallel.sides import Sides, function, set_to
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.types import differs


def record_own_values(
    sides: Sides,
    rows: str,
    winner: str,
    losing: Mapping[str, str],
    *,
    time: str | None = None,
    raised: bool = True,
) -> str:
    """An INSERT that records children's own values. A later loss replaces an earlier one.

    ``rows`` is FROM and WHERE, with the child as ``c``. ``winner`` is the row with the replacing
    values. ``losing`` has a condition for each column. ``time`` is the child's new time of change,
    by default the later of both. ``raised``: its version becomes one higher.
    """
    columns = [c.name for c in sides.values if c.name in losing]
    fields, selected, updates = ['"child id"'], [sides.id.word("c")], []
    for name in columns:
        fields += [lost(name), was(name), by(name)]
        condition = f"({losing[name]})"
        selected += [
            condition,
            *(f"CASE WHEN {condition} THEN {row}.{ident(name)} END" for row in ("c", winner)),
        ]
        updates.append(f"{lost(name)} = r.{lost(name)} OR excluded.{lost(name)}")
        updates += [
            f"{f(name)} = CASE WHEN excluded.{lost(name)} THEN excluded.{f(name)} "
            f"ELSE r.{f(name)} END"
            for f in (was, by)
        ]
    beside = {n: time or f"GREATEST(c.{ident(n)}, {winner}.{ident(n)})" for n in sides.changed}
    beside |= {n: f"c.{ident(n)} + {int(raised)}" for n in sides.version}
    for name, new in beside.items():
        # Time of change and version are replaced and restored with the values. Of two losses the
        # first has the row's own, unless an application has set another in between.
        fields += [lost(name), was(name), by(name)]
        selected += ["true", f"c.{ident(name)}", new]
        updates += [
            f"{lost(name)} = true",
            f"{was(name)} = CASE WHEN r.{lost(name)} AND r.{by(name)} = excluded.{was(name)} "
            f"THEN r.{was(name)} ELSE excluded.{was(name)} END",
            f"{by(name)} = excluded.{by(name)}",
        ]
    return (
        f"INSERT INTO {sides.names.own('replaced')} AS r ({', '.join(fields)})\n"
        f"    SELECT {', '.join(selected)}\n    {rows}\n"
        f"      AND ({' OR '.join(f'({losing[n]})' for n in columns)})\n"
        f'    ON CONFLICT ("child id") DO UPDATE SET {", ".join(updates)}'
    )


def _apart(sides: Sides, left: str, right: str) -> dict[str, str]:
    return {c.name: differs((c,), left, right) for c in sides.values}


def list_losers(names: Names, child: Table) -> tuple[Statement, ...]:
    """Lists the children that lose a value, in one pass, so that batches need not read all rows.

    During parallel saving no child can begin to differ from its parent, so the list is complete.
    """
    sides = Sides(names, child)
    if not sides.values:
        return ()
    return (
        Statement(f"DELETE FROM {names.own('losers')}"),
        Statement(
            f'INSERT INTO {names.own("losers")} ("child id")\n'
            f"SELECT {sides.id.word('c')} FROM {names.child} AS c\n"
            f"JOIN {names.parent} AS p ON p.{sides.uuid} = c.{sides.link}\n"
            f"WHERE {differs(sides.values, 'c', 'p')}"
        ),
    )


def lock_parents(sides: Sides, condition: str) -> str:
    """plpgsql that locks the parents of the batch's children that meet ``condition`` (c, p).

    It is a statement of its own, so that the snapshot of the next one sees what was committed while
    this one waited. In one statement PostgreSQL would read the child again, but not the parent.
    """
    return (
        f"PERFORM 1 FROM {sides.names.parent} AS q WHERE q.{sides.uuid} IN (\n"
        f"    SELECT p.{sides.uuid} FROM {sides.names.child} AS c\n"
        f"    JOIN {sides.names.parent} AS p ON p.{sides.uuid} = c.{sides.link}\n"
        f"    WHERE {condition})\n"
        f"  ORDER BY q.{sides.uuid} FOR NO KEY UPDATE;"
    )


def replace_function(sides: Sides, arguments: str) -> tuple[Statement, ...]:
    names = sides.names
    apart = differs(sides.values, "c", "p")
    mine = sides.id.in_array("c", "mine")
    joined = f"FROM {names.child} AS c JOIN {names.parent} AS p ON p.{sides.uuid} = c.{sides.link}"
    beside = [f"{ident(c)} = GREATEST(c.{ident(c)}, p.{ident(c)})" for c in sides.changed]
    changed = "".join(f", {item}" for item in (*beside, *sides.raised()))
    written = f"""{lock_parents(sides, f"{mine} AND {apart}")}
  {record_own_values(sides, f"{joined}{chr(10)}    WHERE {mine}", "p", _apart(sides, "c", "p"))};
  UPDATE {names.child} AS c SET {set_to(sides.plan.parent_values, "p")}{changed}
  FROM {names.parent} AS p
  WHERE p.{sides.uuid} = c.{sides.link} AND {mine} AND {apart};
  GET DIAGNOSTICS written = ROW_COUNT;"""
    work = f"""  IF mine IS NULL THEN
    RETURN 0;
  END IF;
  {silently(names, sides.tables, written)}
  RETURN written;"""
    listed = (
        'SELECT pg_catalog.array_agg(z."child id") INTO mine\n'
        f'  FROM {names.own("losers")} AS z WHERE z."child id" BETWEEN lo AND hi;'
    )
    declare = f"  written bigint; {VARIABLE} mine {sides.id_type}[];"
    return function(
        names.own("replace_listed"),
        arguments,
        "bigint",
        f"  {listed}\n{work}",
        declare=declare,
        path=names.search_path,
    )


def remember_parents(names: Names, child: Table) -> tuple[Statement, ...]:
    """Records the parent of each entry's child and deletes entries without a child. From 0009 on
    nothing follows the child: it may be deleted, and another row may get its id."""
    sides = Sides(names, child)
    entries, of_entry = names.own("replaced"), sides.id.equals("c", 'r."child id"')
    return (
        Statement(
            f"DELETE FROM {entries} AS r\n"
            f"WHERE NOT EXISTS (SELECT FROM {names.child} AS c WHERE {of_entry})"
        ),
        Statement(
            f"UPDATE {entries} AS r SET under = c.{sides.link}\n"
            f"FROM {names.child} AS c WHERE {of_entry}"
        ),
    )


def forget_others(names: Names, child: Table) -> Statement:
    """For the downgrade: deletes entries whose child is gone or has another parent now."""
    sides = Sides(names, child)
    mine = sides.id.equals("c", 'r."child id"')
    return Statement(
        f"DELETE FROM {names.own('replaced')} AS r WHERE r.under IS NOT NULL AND NOT EXISTS (\n"
        f"  SELECT FROM {names.child} AS c WHERE {mine} "
        f"AND c.{sides.link} = r.under)"
    )


def move_entry(sides: Sides) -> str:
    """plpgsql for a child with a new id: its entry in the ledger gets the new id too."""
    entry, old, new = sides.names.own("replaced"), sides.id.word("OLD"), sides.id.word("NEW")
    return (
        f'UPDATE {entry} AS r SET "child id" = {new} WHERE r."child id" = {old}\n'
        f'      AND NOT EXISTS (SELECT FROM {entry} AS s WHERE s."child id" = {new});'
    )
