"""Restored values: the way down gives children back the own values that the ledger kept."""

from __future__ import annotations

from typing import assert_never

from membership_refactor.planning.policies import Agreed, Extreme, FromRow, choice
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.application_triggers import VARIABLE, silence_functions, silently
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.ledger_tables import by, lost, was
from membership_refactor.sql.parallel.lost_values import replace_function
from membership_refactor.sql.parallel.noted_children import note_children_function
from membership_refactor.sql.parallel.sides import Sides, function
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.types import equal_is_identical


def batch_functions(names: Names, child: Table) -> tuple[Statement, ...]:
    """``replace_listed(lo, hi)``, ``restore_own(lo, hi)`` and ``fill_uuid_map(lo, hi)``.

    Each handles the children with an id in [lo, hi], may be repeated, and returns the number of
    changed rows. It locks parents first, in the order of their uuids, because writers hold a parent
    while they write its children. ``replace_listed`` only reads children listed in ``losers``.
    """
    sides = Sides(names, child)
    arguments = f"lo {sides.id_type}, hi {sides.id_type}"
    made = [*silence_functions(names), *note_children_function(sides)]
    if sides.values:
        made += [*replace_function(sides, arguments), *_restore(sides, arguments)]
    else:
        for name in ("replace_listed", "restore_own"):
            made += function(names.own(name), arguments, "bigint", "  RETURN 0;")
    return tuple(made)


def _restore(sides: Sides, arguments: str) -> tuple[Statement, ...]:
    """Restores what ``choose_restored`` chose, and notes the parents for ``settle_noted``.

    Otherwise the capture of 0007 would read a whole family for each batch of its children.
    """
    names, id = sides.names, sides.id

    def still(column: Column) -> str:
        return _still(column, "c", "r")

    timed = tuple(sides.child.column(name) for name in sides.changed)
    sets = ", ".join(
        f"{ident(c.name)} = CASE WHEN {still(c)} THEN r.{was(c.name)} ELSE c.{ident(c.name)} END"
        for c in (*sides.values, *timed)
    )
    for version in (sides.child.column(name) for name in sides.version):
        # Only a row that is as it was before may have its old version.
        whole = " AND ".join(f"(NOT r.{lost(c.name)} OR {still(c)})" for c in sides.values)
        v = ident(version.name)
        sets += (
            f", {v} = CASE WHEN {still(version)} AND {whole} THEN r.{was(version.name)} "
            f"ELSE c.{v} + 1 END"
        )
    mine = 'r."child id" BETWEEN lo AND hi'
    work = f"""WITH back AS (
    UPDATE {names.child} AS c SET {sets}
    FROM {names.own("replaced")} AS r
    WHERE {id.word_is('r."child id"', "c")} AND {mine}
      AND ({" OR ".join(still(c) for c in sides.values)})
    RETURNING c.{sides.link} AS k),
  noted AS (
    INSERT INTO {names.own("unsettled")} AS u (uuid, xid)
    SELECT DISTINCT b.k, pg_catalog.pg_current_xact_id() FROM back AS b ORDER BY b.k
    ON CONFLICT (uuid) DO UPDATE SET xid = excluded.xid)
  SELECT pg_catalog.count(*) INTO written FROM back AS b;
  DELETE FROM {names.own("replaced")} AS r WHERE {mine};"""
    body = f"""  IF NOT EXISTS (SELECT FROM {names.own("replaced")} AS r WHERE {mine}) THEN
    RETURN 0;
  END IF;
  {silently(names, sides.tables, work)}
  RETURN written;"""
    return function(
        names.own("restore_own"),
        arguments,
        "bigint",
        body,
        declare=f"  written bigint; {VARIABLE}",
        path=names.search_path,
    )


def settle_noted_function(names: Names) -> tuple[Statement, ...]:
    """``settle_noted(lo, hi)``: derives the noted parents with a uuid in [lo, hi], each once.

    It touches the parents, so that a snapshot from before the restore gets 40001.
    """
    body = f"""  SELECT pg_catalog.array_agg(u.uuid) INTO uuids
  FROM {names.own("unsettled")} AS u WHERE u.uuid BETWEEN lo AND hi;
  IF uuids IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM {names.own("settle")}(uuids, true);
  RETURN pg_catalog.cardinality(uuids);"""
    return function(
        names.own("settle_noted"),
        "lo pg_catalog.uuid, hi pg_catalog.uuid",
        "bigint",
        body,
        declare="  uuids pg_catalog.uuid[];",
        marked=True,
    )


def _still(column: Column, child: str, entry: str) -> str:
    """A condition: the child still has the value that replaced its own."""
    record = "pg_catalog.record"
    return (
        f"({entry}.{lost(column.name)} AND ROW({child}.{ident(column.name)})::{record} "
        f"OPERATOR(pg_catalog.*=) ROW({entry}.{by(column.name)})::{record})"
    )


def _compared(value: Column, left: str, operator: str, right: str) -> str:
    """Compares by the order of the column's type. The operators of an extension's type are not in
    pg_catalog, and PostgreSQL would use those of text. A record comparison uses the right ones."""
    if "." not in value.type:
        return f"{left} {operator} {right}"
    record = "pg_catalog.record"
    return f"ROW({left})::{record} OPERATOR(pg_catalog.{operator}) ROW({right})::{record}"


def choose_restored(names: Names, child: Table) -> Statement:
    """Drops from the entries the values that would win if they were restored.

    A value is restored only if it would lose again to a sibling's. Otherwise the next upgrade would
    derive another parent from the same rows, because the winner is gone or changed since. Each
    family is read once, whatever its size.
    """
    sides = Sides(names, child)
    plan, entries = sides.plan, names.own("replaced")
    family = f"PARTITION BY c.{sides.link}"
    # The child's place among its siblings by id: there is no max() of every type of id.
    place = 'c."own place"'
    lowest = f"{place} > 1"
    later = f"pg_catalog.row_number() OVER ({family} ORDER BY {_time(sides)}{place} DESC) > 1"
    loses: dict[str, str] = {}
    for column in plan.parent_columns:
        name, value = column.name, child.column(column.name)
        now, own = f"c.{ident(name)}", f"r.{was(name)}"
        how = choice(column.conflict)
        match how:
            case FromRow(latest=True):
                loses[name] = later
            case FromRow():
                loses[name] = lowest
            case Extreme():
                # The highest id of those with the same value that are not restored themselves.
                image = f"ROW({now})::pg_catalog.record USING OPERATOR(pg_catalog.*<)"
                held = (
                    f"pg_catalog.max({place}) FILTER (WHERE {_still(value, 'c', 'r')} "
                    f"IS NOT TRUE) OVER ({family} ORDER BY {image}\n"
                    "        RANGE BETWEEN CURRENT ROW AND CURRENT ROW)"
                )
                loses[name] = (
                    f"({own} IS NULL OR {_compared(value, own, how.not_before, now)}) "
                    f"AND {held} IS NOT NULL"
                )
                if not equal_is_identical(value):
                    # Of equal values the one with the highest id wins.
                    equal = _compared(value, own, "=", now)
                    loses[name] += f" AND ({equal} IS NOT TRUE OR {held} > {place})"
            case Agreed():
                loses[name] = "false"
                if not equal_is_identical(value):
                    # Rows agree on 1.0 and 1.00, and the parent has the first row's.
                    json = "pg_catalog.to_jsonb"
                    loses[name] = f"{json}({own}) IS NOT DISTINCT FROM {json}({now}) AND {lowest}"
            case _:
                assert_never(how)
    for name in sides.changed:
        # The parent's time is always the greatest of all.
        loses[name] = later
    whole = " AND ".join(f"(NOT r.{lost(n)} OR f.{lost(n)} IS TRUE)" for n in plan.parent_values)
    chosen = ",\n      ".join(f"{c} AS {lost(n)}" for n, c in loses.items())
    sets = ", ".join(
        (
            *(f"{lost(n)} = r.{lost(n)} AND f.{lost(n)} IS TRUE" for n in loses),
            *(f"{lost(n)} = r.{lost(n)} AND {whole}" for n in sides.version),
        )
    )
    id = sides.id
    by_id = id.listed("c")
    of_e, of_r = id.word_is('e."child id"', "d"), id.word_is('r."child id"', "c")
    of_f = id.equals("f", 'r."child id"')
    read = listed((*id.columns, plan.link, *plan.parent_values, *sides.changed), "c.")
    return Statement(
        f"UPDATE {entries} AS r SET {sets}\n"
        f"FROM (SELECT {id.listed('c')},\n      {chosen}\n"
        f"    FROM (SELECT {read},\n"
        f'        pg_catalog.row_number() OVER ({family} ORDER BY {by_id}) AS "own place"\n'
        f"      FROM {names.child} AS c\n"
        f"      WHERE c.{sides.link} IN (SELECT d.{sides.link} FROM {names.child} AS d\n"
        f"        JOIN {entries} AS e ON {of_e})) AS c\n"
        f"    LEFT JOIN {entries} AS r ON {of_r}) AS f\n"
        f"WHERE {of_f}"
    )


def _time(sides: Sides) -> str:
    """The time of change that the row has after the restore, latest first, for ORDER BY.

    A row without a time counts as the oldest, as in the grouping."""
    if not sides.changed:
        return ""
    column = sides.child.column(sides.changed[0])
    own = f"r.{was(column.name)}"
    still = _still(column, "c", "r")
    return f"CASE WHEN {still} THEN {own} ELSE c.{ident(column.name)} END DESC NULLS LAST, "
