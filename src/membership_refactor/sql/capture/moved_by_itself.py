"""Rows that the target has under their new ids already: a foreign key of its own has cascaded the
change, or the statement wrote both tables. What the statement changed besides is carried."""

from __future__ import annotations

from membership_refactor.sql.capture.follow_rows import OneWay
from membership_refactor.sql.capture.id_moves import mask, moves, of_move, others, versions
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.types import differs


def find_moved(rows: OneWay) -> str:
    """plpgsql: the rows that the target has under their new ids already, as a foreign key of its
    own has cascaded the change, are in ``own_there`` if they differ."""
    was = rows.id.matches("z", of_move(rows, "own_old"))
    return f"""own_there := ARRAY(SELECT {rows.id.word("a")}
    FROM {moves(rows, "own_olds", "own_news")}, {rows.origin} AS a, {rows.target} AS b
    WHERE {rows.id.matches("a", of_move(rows, "own_new"))} AND {rows.id.same("b", "a")}
    AND NOT EXISTS (SELECT FROM {rows.target} AS z WHERE {was})
    AND {differs(rows.id.others(rows.writable), "a", "b")});"""


def carry_to_moved(rows: OneWay) -> str:
    """UPDATE of the rows in ``own_there``: the columns that the statement changed, in any version
    of the row, and no others, as where the id stays."""
    names = others(rows)
    values = ",\n      ".join(
        f"CASE WHEN w.{ident(c)} THEN a.{ident(c)} ELSE b.{ident(c)} END" for c in names
    )
    written = ",\n      ".join(
        f"pg_catalog.bool_or(pg_catalog.substr(c.own_mask, {n}, 1) = '1') AS {ident(c)}"
        for n, c in enumerate(names, start=1)
    )
    apart = "\n      OR ".join(
        f"(w.{ident(c.name)} AND {differs((c,), 'a', 'b')})" for c in rows.id.others(rows.writable)
    )
    return f"""WITH RECURSIVE v AS MATERIALIZED (
      SELECT own_place, {rows.id.word("x")} AS own_old, {rows.id.word("y")} AS own_new,
      {mask(rows)} AS own_mask
      FROM {versions(rows)}),
    c AS (
      SELECT v.own_new AS own_last, v.* FROM v WHERE v.own_new = ANY (own_there)
      AND NOT EXISTS (SELECT FROM v AS z WHERE z.own_new = v.own_new AND z.own_place > v.own_place)
      UNION ALL
      SELECT c.own_last, p.* FROM c, LATERAL (SELECT v.* FROM v WHERE v.own_new = c.own_old
        AND v.own_place < c.own_place ORDER BY v.own_place DESC LIMIT 1) AS p)
    UPDATE {rows.target} AS b SET ({listed(names)}) = ROW (
      {values})
    FROM {rows.origin} AS a, (SELECT c.own_last, {written}
      FROM c GROUP BY c.own_last) AS w
    WHERE {rows.id.word_is("w.own_last", "a")} AND {rows.id.same("b", "a")}
      AND ({apart})"""
