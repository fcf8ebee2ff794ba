"""Mass deletes: the rows that one large DELETE took from a table go from the other table too.

A plan with a transition table is made anew for each statement, and costs more than the deletes. So
there are three ways. Ids without a gap are one range. Ids with gaps are an array. Both have plans
that are kept. More than ``MANY`` ids with gaps are worth a plan of their own.

Looking and deleting may be two statements: no other session can have an id that this transaction
has deleted.
"""

from __future__ import annotations

from membership_refactor.sql.capture.follow_rows import OneWay
from membership_refactor.sql.quoting import dollar_quoted
from membership_refactor.sql.types import stored_type

MANY = 100_000
"""An array of so many ids is small. Each of them is found by itself."""

_COUNTED = frozenset({"smallint", "integer", "bigint"})
"""Types in which ids can follow each other without a gap."""


def variables(rows: OneWay) -> str:
    """What a function with ``remove_many`` has to declare beside ``own_ids``."""
    type_ = rows.id.type_in(rows.columns)
    ends = f" own_first {type_}; own_last {type_};" if _are_counted(rows) else ""
    return f" own_count bigint;{ends}"


def remove_many(rows: OneWay) -> str:
    """plpgsql that deletes the rows of the transition table ``o`` from the target, except those
    that the origin has again. It returns where the other direction has left nothing to delete: a
    DELETE without rows would fire triggers for each statement."""
    id = rows.id
    listed = _removed(
        rows,
        there=_listed(rows, rows.target, "b"),
        again=_listed(rows, rows.origin, "a"),
        condition=id.in_array("b", "own_ids"),
    )
    # Counted: to find the first one alone, the planner would compare each with each.
    left = f"SELECT pg_catalog.count(*) > 0 FROM {rows.target} AS b WHERE {id.in_rows('b', 'o')}"
    by_number = f"""IF own_count <= {MANY} THEN
      own_ids := ARRAY(SELECT {id.word("o")} FROM o);
      {listed}
    ELSE
      IF pg_catalog.pg_trigger_depth() > 1 THEN
        EXECUTE {dollar_quoted(left)} INTO own_mass;
        IF NOT own_mass THEN
          RETURN NULL;
        END IF;
      END IF;
      {_planned(rows)}
    END IF;"""
    if not _are_counted(rows):
        return f"own_count := (SELECT pg_catalog.count(*) FROM o);\n    {by_number}"
    key = id.listed("o")
    # DISTINCT: a row may have been deleted, put back and deleted again. numeric: the span of two
    # ids may be too large for their type.
    return f"""SELECT pg_catalog.min({key}), pg_catalog.max({key}), pg_catalog.count(DISTINCT {key})
    INTO own_first, own_last, own_count FROM o;
    IF own_last::pg_catalog.numeric - own_first = own_count - 1 THEN
      {
        _removed(
            rows,
            there=_first(rows, rows.target, "b"),
            again=_first(rows, rows.origin, "a"),
            condition=id.between("b", "own_first", "own_last"),
        )
    }
    ELS{by_number}"""


def _are_counted(rows: OneWay) -> bool:
    return not rows.id.several and stored_type(rows.id.among_columns(rows.columns)[0]) in _COUNTED


def _first(rows: OneWay, table: str, row: str) -> str:
    """A condition: the table has a row of the range. Not EXISTS: for that the planner may read the
    whole table, as it expects to find a row soon."""
    range_ = rows.id.between(row, "own_first", "own_last")
    key = rows.id.listed(row)
    return f"(SELECT {key} FROM {table} AS {row} WHERE {range_} ORDER BY {key} LIMIT 1) IS NOT NULL"


def _listed(rows: OneWay, table: str, row: str) -> str:
    """A condition: the table has a row of the array. Where it has none of the whole range, which is
    soon known, the ids need not be looked up one by one."""
    found = f"EXISTS (SELECT FROM {table} AS {row} WHERE {rows.id.in_array(row, 'own_ids')})"
    return f"({_first(rows, table, row)} AND {found})" if _are_counted(rows) else found


def _removed(rows: OneWay, *, there: str, again: str, condition: str) -> str:
    return f"""IF pg_catalog.pg_trigger_depth() > 1 AND NOT {there} THEN
        RETURN NULL;
      ELSIF {again} THEN
        {_planned(rows)}
      ELSE
        DELETE FROM {rows.target} AS b WHERE {condition};
      END IF;"""


def _planned(rows: OneWay) -> str:
    return f"EXECUTE {dollar_quoted(rows.remove(rows.id.in_rows('b', 'o')))};"
