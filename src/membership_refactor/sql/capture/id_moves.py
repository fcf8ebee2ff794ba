"""Rows whose id a statement changes, as arrays in variables of the trigger function."""

from __future__ import annotations

from membership_refactor.sql.capture.follow_rows import OneWay
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.types import differs

VARIABLES = (
    "own_olds {type}[]; own_news {type}[]; own_masks text[]; own_there {type}[]; own_join text;"
)
"""The ids before and after, for each row which columns the statement changed, as 0 and 1, and the
new ids under which the target has its row already."""


def others(rows: OneWay) -> list[str]:
    """The names of the columns that are written beside the id."""
    return [c.name for c in rows.id.others(rows.writable)]


def pairs(rows: OneWay) -> str:
    """SELECT into the three arrays. The rows of both transition tables have the same order."""
    arrays = ", ".join(
        f"pg_catalog.array_agg({x} ORDER BY x.own_place)"
        for x in (rows.id.word("x"), rows.id.word("y"), mask(rows))
    )
    return (
        f"SELECT {arrays}\n    INTO own_olds, own_news, own_masks\n"
        f"    FROM {versions(rows)}\n"
        f"    WHERE {rows.id.changed('x', 'y')}"
    )


def mask(rows: OneWay) -> str:
    """Which columns differ between ``x`` and ``y``, as 0 and 1."""
    return " || ".join(
        f"CASE WHEN {differs((c,), 'x', 'y')} THEN '1' ELSE '0' END"
        for c in rows.id.others(rows.writable)
    )


def versions(rows: OneWay) -> str:
    """FROM list: each row before (``x``) and after (``y``), in the order in which it was written.
    A row that several cascades of the statement wrote is there for each of them."""
    placed = "(SELECT {0}, pg_catalog.row_number() OVER () AS own_place FROM {1}) AS {2}"
    selected = listed([*rows.id.columns, *others(rows)])
    return (
        f"{placed.format(selected, 'o', 'x')}\n"
        f"    JOIN {placed.format(selected, 'n', 'y')} USING (own_place)"
    )


def moves(rows: OneWay, olds: str, news: str, *masks: str) -> str:
    """The arrays as rows."""
    arrays = ", ".join(f"pg_catalog.unnest({a})" for a in (olds, news, *masks))
    names = ", ".join(
        [*rows.id.spread("own_old"), *rows.id.spread("own_new"), *("own_mask" for _ in masks)]
    )
    return f"ROWS FROM ({arrays}) AS m ({names})"


def of_move(rows: OneWay, name: str) -> list[str]:
    """``own_old`` or ``own_new`` of ``moves``, a value for each column of the id."""
    return [f"m.{n}" for n in rows.id.spread(name)]


def joined(rows: OneWay) -> str:
    """A condition: target and origin are the row before and after."""
    was = rows.id.matches("b", of_move(rows, "own_old"))
    return f"{was} AND {rows.id.matches('a', of_move(rows, 'own_new'))}"
