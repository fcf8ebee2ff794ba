"""Changed ids: an UPDATE of the id in one table updates the id in the other table.

DELETE and INSERT would delete referring rows or set their columns to NULL. One statement updates
all rows of the original statement, because ids may be unique only after all of them changed.
"""

from __future__ import annotations

from collections.abc import Callable

from membership_refactor.sql.capture.follow_rows import OURS, OneWay
from membership_refactor.sql.changed_columns import is_watched
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.types import differs

VARIABLES = "own_olds {type}[]; own_news {type}[]; own_masks text[]; own_join text;"
"""The ids before and after, and for each row which columns the statement changed, as 0 and 1."""


def _others(rows: OneWay) -> list[str]:
    return [c.name for c in rows.writable if c.name != rows.id]


def _pairs(rows: OneWay) -> str:
    """SELECT into the three arrays. The rows of both transition tables have the same order."""
    key = ident(rows.id)
    placed = "(SELECT {0}, pg_catalog.row_number() OVER () AS own_place FROM {1}) AS {2}"
    selected = listed([rows.id, *_others(rows)])
    mask = " || ".join(
        f"CASE WHEN {differs((c,), 'x', 'y')} THEN '1' ELSE '0' END"
        for c in rows.writable
        if c.name != rows.id
    )
    arrays = ", ".join(
        f"pg_catalog.array_agg({x} ORDER BY x.own_place)" for x in (f"x.{key}", f"y.{key}", mask)
    )
    return (
        f"SELECT {arrays}\n    INTO own_olds, own_news, own_masks\n"
        f"    FROM {placed.format(selected, 'o', 'x')}\n"
        f"    JOIN {placed.format(selected, 'n', 'y')} USING (own_place)\n"
        f"    WHERE x.{key} IS DISTINCT FROM y.{key}"
    )


def _moves(masks: str = "own_masks") -> str:
    """The three arrays as rows."""
    arrays = ", ".join(f"pg_catalog.unnest({a})" for a in ("own_olds", "own_news", masks))
    return f"ROWS FROM ({arrays}) AS m (own_old, own_new, own_mask)"


def _move(rows: OneWay, masks: str) -> str:
    """One UPDATE of ids and changed columns. With ids alone the two sides would differ for a
    moment, and the other direction would write the old values back."""
    key, others = ident(rows.id), _others(rows)
    values = "".join(_chosen(n, c, ",\n      ") for n, c in enumerate(others, start=1))
    return f"""UPDATE {rows.target} AS b SET ({listed([rows.id, *others])}) = ROW (
      m.own_new{values})
    FROM {_moves(masks)}, {rows.origin} AS a
    WHERE b.{key} = m.own_old AND a.{key} = m.own_new"""


def _move_changed(rows: OneWay, masks: str) -> str:
    """plpgsql for ``_move`` that names only the columns that the statement changed in some row, for
    a target with triggers that watch single columns."""
    key = ident(rows.id)
    sets = ",\n        ".join(
        f"({n}, {literal(_chosen(n, c, f', {ident(c)} = '))})"
        for n, c in enumerate(_others(rows), start=1)
    )
    arrays = ", ".join(f"pg_catalog.unnest(${n})" for n in (1, 2, 3))
    rest = (
        f" FROM ROWS FROM ({arrays}) AS m (own_old, own_new, own_mask), {rows.origin} AS a"
        f" WHERE b.{key} = m.own_old AND a.{key} = m.own_new"
    )
    return f"""EXECUTE pg_catalog.concat(
      {literal(f"UPDATE {rows.target} AS b SET {key} = m.own_new")},
      (SELECT pg_catalog.string_agg(s.own_text, '') FROM (VALUES
        {sets}) AS s (own_place, own_text)
      WHERE EXISTS (SELECT FROM pg_catalog.unnest({masks}) AS m (own_mask)
        WHERE pg_catalog.substr(m.own_mask, s.own_place, 1) = '1')),
      {literal(rest)}) USING own_olds, own_news, {masks}"""


def _chosen(place: int, column: str, before: str) -> str:
    return (
        f"{before}CASE WHEN pg_catalog.substr(m.own_mask, {place}, 1) = '1' "
        f"THEN a.{ident(column)} ELSE b.{ident(column)} END"
    )


def _also_written(rows: OneWay) -> str:
    """A condition: this transaction also wrote one of the rows in the target, with a value that
    this statement did not write in the origin. The application may want that value."""
    key = ident(rows.id)
    unlike = "\n      OR ".join(
        f"(pg_catalog.substr(m.own_mask, {n}, 1) = '0' AND {differs((c,), 'b', 'a')})"
        for n, c in enumerate((c for c in rows.writable if c.name != rows.id), start=1)
    )
    return f"""EXISTS (SELECT FROM {_moves()}
    JOIN {rows.target} AS b ON b.{key} = m.own_old JOIN {rows.origin} AS a ON a.{key} = m.own_new
    WHERE {OURS} AND ({unlike}))"""


def _moved(
    rows: OneWay, move: Callable[[OneWay, str], str], afterwards: str, *, exclusive: bool
) -> str:
    moved = move(rows, "own_masks")
    if not exclusive:
        return moved
    nothing = "pg_catalog.array_fill(''::pg_catalog.text, ARRAY[pg_catalog.cardinality(own_olds)])"
    return f"""BEGIN
    {moved};
  EXCEPTION WHEN unique_violation OR exclusion_violation THEN
    {move(rows, nothing)};
    {afterwards};
  END"""


def follow_changed_ids(rows: OneWay, *, exclusive: bool, watched: bool) -> str:
    """plpgsql of the row trigger that fires for a changed id, with both transition tables.

    The first row's call updates all rows. The other calls, and the answer of the other direction,
    find equal rows and return at once. ``exclusive``: there are unique keys besides the id, which
    may forbid this. Then the ids are updated first, and afterwards all differing rows. ``watched``:
    the target may have triggers that watch single columns.
    """
    key = ident(rows.id)
    there = (
        f"EXISTS (SELECT FROM {rows.origin} AS a JOIN {rows.target} AS b ON b.{key} = a.{key}\n"
        f"    WHERE a.{key} = NEW.{key} AND NOT {differs(rows.writable, 'a', 'b')})"
    )
    gone = (
        f"NOT EXISTS (SELECT FROM {rows.target} AS b WHERE b.{key} = OLD.{key}\n"
        f"    AND NOT EXISTS (SELECT FROM {rows.origin} AS a WHERE a.{key} = OLD.{key}))"
    )
    refused = literal(
        f"a row got another id in {rows.origin} while the same statement wrote it in {rows.target}"
    )
    kept = literal(f"a BEFORE trigger of {rows.target} keeps a row from getting its new id")
    moved = _moved(rows, _move, f"{rows.update('true')}", exclusive=exclusive)
    if watched:
        afterwards = rows.changed(carried=False).statements(together=True).removesuffix(";")
        moved = f"""IF {is_watched(rows.target)} THEN
  {_moved(rows, _move_changed, afterwards, exclusive=exclusive)};
  ELSE
  {moved};
  END IF"""
    missing = f"NOT EXISTS (SELECT FROM {rows.target} AS z WHERE z.{key} = a.{key})"
    left = f"a.{key} = ANY (own_news) AND {missing}"
    return f"""  IF {there}
    AND {gone} THEN
    RETURN NULL;
  END IF;
  {_pairs(rows)};
  IF {_also_written(rows)} THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = {refused},
      HINT = 'Write only one of the two tables, or use two statements.';
  END IF;
  -- Row by row in the order of the statement: in another order an id may still be in use.
  own_join := pg_catalog.concat_ws(' ', pg_catalog.current_setting('enable_hashjoin'),
    pg_catalog.current_setting('enable_mergejoin'), pg_catalog.current_setting('enable_material'));
  PERFORM pg_catalog.set_config(s.s, 'off', true)
  FROM pg_catalog.unnest(ARRAY['enable_hashjoin', 'enable_mergejoin', 'enable_material']) AS s (s);
  {moved};
  PERFORM pg_catalog.set_config('enable_hashjoin', pg_catalog.split_part(own_join, ' ', 1), true),
    pg_catalog.set_config('enable_mergejoin', pg_catalog.split_part(own_join, ' ', 2), true),
    pg_catalog.set_config('enable_material', pg_catalog.split_part(own_join, ' ', 3), true);
  IF EXISTS (SELECT FROM {rows.target} AS b WHERE b.{key} = ANY (own_olds)
    AND NOT EXISTS (SELECT FROM {rows.origin} AS a WHERE a.{key} = b.{key})) THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = {kept},
      HINT = 'Let the trigger accept the new id, or change the id in the other table.';
  END IF;
  -- An INSERT without rows would fire triggers for each statement.
  IF EXISTS (SELECT FROM {rows.origin} AS a WHERE {left}) THEN
    {rows.upsert(left)};
  END IF;"""
