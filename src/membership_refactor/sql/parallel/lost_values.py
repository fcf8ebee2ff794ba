"""Lost values: the ledger records a child's own value before the parent's value replaces it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from membership_refactor.planning.policies import Agreed, Extreme, FromRow, choice
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.application_triggers import VARIABLE, silence_functions, silently
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.ledger_tables import by, lost, was
from membership_refactor.sql.parallel.noted_children import note_children_function
from membership_refactor.sql.parallel.sides import Sides, function, set_to
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.types import differs, equal_is_identical


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
    fields, selected, updates = ['"child id"'], [f"c.{sides.id}"], []
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
        made += [*_replace(sides, arguments), *_restore(sides, arguments)]
    else:
        for name in ("replace_listed", "restore_own"):
            made += function(names.own(name), arguments, "bigint", "  RETURN 0;")
    return tuple(made)


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
            f"SELECT c.{sides.id} FROM {names.copy} AS c\n"
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
        f"    SELECT p.{sides.uuid} FROM {sides.names.copy} AS c\n"
        f"    JOIN {sides.names.parent} AS p ON p.{sides.uuid} = c.{sides.link}\n"
        f"    WHERE {condition})\n"
        f"  ORDER BY q.{sides.uuid} FOR NO KEY UPDATE;"
    )


def _replace(sides: Sides, arguments: str) -> tuple[Statement, ...]:
    names = sides.names
    apart = differs(sides.values, "c", "p")
    mine = f"c.{sides.id} = ANY (mine)"
    joined = f"FROM {names.copy} AS c JOIN {names.parent} AS p ON p.{sides.uuid} = c.{sides.link}"
    beside = [f"{ident(c)} = GREATEST(c.{ident(c)}, p.{ident(c)})" for c in sides.changed]
    changed = "".join(f", {item}" for item in (*beside, *sides.raised()))
    written = f"""{lock_parents(sides, f"{mine} AND {apart}")}
  {record_own_values(sides, f"{joined}{chr(10)}    WHERE {mine}", "p", _apart(sides, "c", "p"))};
  UPDATE {names.copy} AS c SET {set_to(sides.plan.parent_values, "p")}{changed}
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


def _restore(sides: Sides, arguments: str) -> tuple[Statement, ...]:
    """Restores what ``choose_restored`` chose, and notes the parents for ``settle_noted``.

    Otherwise the capture of 0007 would read a whole family for each batch of its children.
    """
    names = sides.names

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
    UPDATE {names.copy} AS c SET {sets}
    FROM {names.own("replaced")} AS r
    WHERE r."child id" = c.{sides.id} AND {mine}
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
    read = listed((plan.id, plan.link, *plan.parent_values, *sides.changed), "c.")
    return Statement(
        f"UPDATE {entries} AS r SET {sets}\n"
        f"FROM (SELECT c.{sides.id},\n      {chosen}\n"
        f"    FROM (SELECT {read},\n"
        f'        pg_catalog.row_number() OVER ({family} ORDER BY c.{sides.id}) AS "own place"\n'
        f"      FROM {names.copy} AS c\n"
        f"      WHERE c.{sides.link} IN (SELECT d.{sides.link} FROM {names.copy} AS d\n"
        f'        JOIN {entries} AS e ON e."child id" = d.{sides.id})) AS c\n'
        f'    LEFT JOIN {entries} AS r ON r."child id" = c.{sides.id}) AS f\n'
        f'WHERE f.{sides.id} = r."child id"'
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


def remember_parents(names: Names, child: Table) -> tuple[Statement, ...]:
    """Records the parent of each entry's child and deletes entries without a child. From 0009 on
    nothing follows the child: it may be deleted, and another row may get its id."""
    sides = Sides(names, child)
    entries, of_entry = names.own("replaced"), f'c.{sides.id} = r."child id"'
    return (
        Statement(
            f"DELETE FROM {entries} AS r\n"
            f"WHERE NOT EXISTS (SELECT FROM {names.copy} AS c WHERE {of_entry})"
        ),
        Statement(
            f"UPDATE {entries} AS r SET under = c.{sides.link}\n"
            f"FROM {names.copy} AS c WHERE {of_entry}"
        ),
    )


def forget_others(names: Names, child: Table) -> Statement:
    """For the downgrade: deletes entries whose child is gone or has another parent now."""
    sides = Sides(names, child)
    return Statement(
        f"DELETE FROM {names.own('replaced')} AS r WHERE r.under IS NOT NULL AND NOT EXISTS (\n"
        f'  SELECT FROM {names.copy} AS c WHERE c.{sides.id} = r."child id" '
        f"AND c.{sides.link} = r.under)"
    )


def move_entry(sides: Sides) -> str:
    """plpgsql for a child with a new id: its entry in the ledger gets the new id too."""
    entry = sides.names.own("replaced")
    return (
        f'UPDATE {entry} AS r SET "child id" = NEW.{sides.id} WHERE r."child id" = OLD.{sides.id}\n'
        f'      AND NOT EXISTS (SELECT FROM {entry} AS s WHERE s."child id" = NEW.{sides.id});'
    )
