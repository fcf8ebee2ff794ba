"""Nested writes of parallel saving, for tables with triggers that watch single columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from membership_refactor.portrait import Column
from membership_refactor.sql.changed_columns import ChangedColumns, is_watched
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.types import differs


def to_children(
    sides: Sides,
    static: str,
    where: str,
    *,
    values: Mapping[str, str],
    changes: Mapping[str, str],
    time: str = "",
    raised: str = "",
) -> str:
    """plpgsql: ``static``, or, if the application watches columns of the child, one UPDATE for each
    set of columns that change.

    ``where`` finds the rows as ``c``. ``values`` are variables, ``changes`` conditions. ``time``
    is the record whose time of change the rows take over, if any. ``raised`` is a condition: the
    row's version rises.
    """
    texts, also = {}, {}
    if raised:
        texts = {name: f"c.{ident(name)} + 1" for name in sides.version}
        also = dict.fromkeys(sides.version, raised)
    return _either(
        sides, (sides.names.child, "c", sides.id), static, where,
        values=values, changes={**changes, **also}, texts=texts, time=time,
    )  # fmt: skip


def to_parent(
    sides: Sides,
    static: str,
    where: str,
    *,
    values: Mapping[str, str],
    changes: Mapping[str, str],
    time: str = "",
) -> str:
    """The same for the parent, as ``p``."""
    return _either(
        sides, (sides.names.parent, "p", sides.names.parent_id), static, where,
        values=values, changes=changes, texts={}, time=time,
    )  # fmt: skip


def of_record(columns: Iterable[str], record: str) -> dict[str, str]:
    """The value of each column in a record variable."""
    return {name: f"{record}.{ident(name)}" for name in columns}


def unlike(columns: Iterable[Column], alias: str, record: str) -> dict[str, str]:
    """For each column a condition: the row and the record variable differ in its stored image."""
    return {c.name: differs((c,), alias, record) for c in columns}


def _either(
    sides: Sides,
    table: tuple[str, str, RowId],
    static: str,
    where: str,
    *,
    values: Mapping[str, str],
    changes: Mapping[str, str],
    texts: Mapping[str, str],
    time: str,
) -> str:
    target, alias, key = table
    given = [*values.values()]
    new = {name: f"${n}" for n, name in enumerate(values, start=2)}
    changes = dict(changes)
    if time and sides.plan.changed:
        c = ident(sides.plan.changed)
        given += [f"NEW.{c} IS DISTINCT FROM OLD.{c}", f"{time}.{c}"]
        of_writer, theirs = f"${len(given)}", f"${len(given) + 1}"
        new[sides.plan.changed] = (
            f"CASE WHEN {of_writer} THEN {theirs} ELSE GREATEST({alias}.{c}, {theirs}) END"
        )
        carried = sides.carried(time, alias).partition(" = ")[2]
        changes[sides.plan.changed] = f"{alias}.{c} IS DISTINCT FROM {carried}"
    changed = ChangedColumns(
        target,
        alias,
        key,
        values={**new, **texts},
        changes=changes,
        rows=f"FROM {target} AS {alias} WHERE ({where})",
        source="WHERE true",
        given=", ".join(given),
    )
    return f"""IF {is_watched(target)} THEN
    {changed.statements()}
  ELSE
    {static}
  END IF;"""
