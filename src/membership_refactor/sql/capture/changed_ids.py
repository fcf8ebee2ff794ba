"""Changed ids: an UPDATE of the id in one table updates the id in the other table.

DELETE and INSERT would delete referring rows or set their columns to NULL. One statement updates
all rows of the original statement, because ids may be unique only after all of them changed.
"""

from __future__ import annotations

from collections.abc import Callable

from membership_refactor.sql.capture.follow_rows import OURS, OneWay
from membership_refactor.sql.capture.id_moves import joined, moves, of_move, others, pairs
from membership_refactor.sql.capture.moved_by_itself import carry_to_moved, find_moved
from membership_refactor.sql.changed_columns import is_watched
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.types import differs


def _move(rows: OneWay, *, whole: bool = True) -> str:
    """One UPDATE of the ids and, if ``whole``, of every other column. With ids alone the two sides
    would differ for a moment, and the other direction would write the old values back.

    Every column, not only those that the statement changed: a trigger of the application may have
    written the row under its new id before, when capture could not find it in the target.
    """
    names, values = rows.id.columns, of_move(rows, "own_new")
    if whole:
        names = (*names, *others(rows))
        values += [f"a.{ident(c)}" for c in others(rows)]
    return f"""UPDATE {rows.target} AS b SET ({listed(names)}) = ROW (
      {", ".join(values)})
    FROM {moves(rows, "own_olds", "own_news")}, {rows.origin} AS a
    WHERE {joined(rows)}"""


def _move_changed(rows: OneWay, *, whole: bool = True) -> str:
    """plpgsql for ``_move`` that names only the columns that differ in some row, for a target with
    triggers that watch single columns."""
    parts = [_new_ids(rows)]
    if whole:
        differing = ",\n        ".join(
            f"CASE WHEN pg_catalog.bool_or({differs((c,), 'a', 'b')}) "
            f"THEN {literal(f', {ident(c.name)} = a.{ident(c.name)}')} END"
            for c in rows.id.others(rows.writable)
        )
        parts.append(
            f"(SELECT pg_catalog.concat(\n        {differing})\n"
            f"      FROM {moves(rows, 'own_olds', 'own_news')}, {rows.origin} AS a, "
            f"{rows.target} AS b WHERE {joined(rows)})"
        )
    rest = f" FROM {moves(rows, '$1', '$2')}, {rows.origin} AS a WHERE {joined(rows)}"
    text = ",\n      ".join([*parts, literal(rest)])
    return f"EXECUTE pg_catalog.concat(\n      {text}) USING own_olds, own_news"


def _new_ids(rows: OneWay) -> str:
    """Arguments of concat(): the beginning of the UPDATE, with the id columns that change."""
    update, news = f"UPDATE {rows.target} AS b SET ", of_move(rows, "own_new")
    sets = [f"{ident(c)} = {new}" for c, new in zip(rows.id.columns, news, strict=True)]
    if not rows.id.several:
        return literal(f"{update}{sets[0]}")
    found = moves(rows, "own_olds", "own_news")
    chosen = ",\n        ".join(
        f"CASE WHEN EXISTS (SELECT FROM {found} WHERE {old} <> {new}) THEN {literal(text)} END"
        for old, new, text in zip(of_move(rows, "own_old"), news, sets, strict=True)
    )
    return f"{literal(update)}, pg_catalog.concat_ws(', ', {chosen})"


def _also_written(rows: OneWay) -> str:
    """A condition: this transaction also wrote one of the rows in the target, with a value that
    this statement did not write in the origin. The application may want that value."""
    unlike = "\n      OR ".join(
        f"(pg_catalog.substr(m.own_mask, {n}, 1) = '0' AND {differs((c,), 'b', 'a')})"
        for n, c in enumerate(rows.id.others(rows.writable), start=1)
    )
    found = moves(rows, "own_olds", "own_news", "own_masks")
    return f"""EXISTS (SELECT FROM {found}, {rows.target} AS b, {rows.origin} AS a
    WHERE {joined(rows)} AND {OURS} AND ({unlike}))"""


def _moved(rows: OneWay, move: Callable[..., str], afterwards: str, *, exclusive: bool) -> str:
    if not exclusive:
        return move(rows)
    return f"""BEGIN
    {move(rows)};
  EXCEPTION WHEN unique_violation OR exclusion_violation THEN
    {move(rows, whole=False)};
    {afterwards};
  END"""


def _first_of_row(rows: OneWay) -> str:
    """plpgsql of the row trigger: the answer of the other direction, and every call but that of the
    first row, end here."""
    id = rows.id
    there = (
        f"EXISTS (SELECT FROM {rows.origin} AS a JOIN {rows.target} AS b ON {id.same('b', 'a')}\n"
        f"    WHERE {id.same('a', 'NEW')} AND NOT {differs(rows.writable, 'a', 'b')})"
    )
    gone = (
        f"NOT EXISTS (SELECT FROM {rows.target} AS b WHERE {id.same('b', 'OLD')}\n"
        f"    AND NOT EXISTS (SELECT FROM {rows.origin} AS a WHERE {id.same('a', 'OLD')}))"
    )
    return f"""  IF {there}
    AND {gone} THEN
    RETURN NULL;
  END IF;
  {pairs(rows)};"""


def _first_of_statement(rows: OneWay) -> str:
    """plpgsql of the statement trigger of UPDATE: the ids that changed are in the variables, and
    the condition of the block that is to be ended says whether there is something left to do."""
    id = rows.id
    dropped = literal(f"a BEFORE trigger of {rows.origin} dropped a row that moves to a partition")
    apart = (
        f"EXISTS (SELECT FROM {rows.origin} AS a LEFT JOIN {rows.target} AS b "
        f"ON {id.same('b', 'a')}\n"
        f"      WHERE {id.in_array('a', 'own_news')} AND ({id.absent('b')}\n"
        f"      OR {differs(rows.id.others(rows.writable), 'a', 'b')}))"
    )
    left = (
        f"EXISTS (SELECT FROM {rows.target} AS b WHERE {id.in_array('b', 'own_olds')}\n"
        f"      AND NOT EXISTS (SELECT FROM {rows.origin} AS a WHERE {id.same('a', 'b')}))"
    )
    return f"""  IF (SELECT pg_catalog.count(*) FROM o) <> (SELECT pg_catalog.count(*) FROM n) THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = {dropped},
      HINT = 'Let the trigger accept the row, or delete the row instead.';
  END IF;
  {pairs(rows)};
  IF {apart}
    OR {left} THEN"""


def follow_changed_ids(
    rows: OneWay, *, exclusive: bool, watched: bool, together: bool = False
) -> str:
    """plpgsql of the row trigger that fires for a changed id, with both transition tables. With
    ``together`` it is part of the statement trigger of UPDATE.

    The first row's call updates all rows. The other calls, and the answer of the other direction,
    find equal rows and return at once. ``exclusive``: there are unique keys besides the id, which
    may forbid this. Then the ids are updated first, and afterwards all differing rows. ``watched``:
    the target may have triggers that watch single columns.
    """
    id = rows.id
    refused = literal(
        f"a row got another id in {rows.origin} while the same statement wrote it in {rows.target}"
    )
    kept = literal(f"a BEFORE trigger of {rows.target} keeps a row from getting its new id")
    lost = literal(
        f"a trigger of {rows.origin} deleted a row, or changed its id again, before the statement "
        "that changed its id had ended"
    )
    moved = _moved(rows, _move, f"{rows.update('true')}", exclusive=exclusive)
    if watched:
        afterwards = rows.changed(carried=False).statements(together=True).removesuffix(";")
        moved = f"""IF {is_watched(rows.target)} THEN
  {_moved(rows, _move_changed, afterwards, exclusive=exclusive)};
  ELSE
  {moved};
  END IF"""
    missing = f"NOT EXISTS (SELECT FROM {rows.target} AS z WHERE {id.same('z', 'a')})"
    left = f"{id.in_array('a', 'own_news')} AND {missing}"
    end = "\n  END IF;" if together else ""
    first = _first_of_statement(rows) if together else _first_of_row(rows)
    return f"""{first}
  IF {_also_written(rows)} THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = {refused},
      HINT = 'Write only one of the two tables, or use two statements.';
  END IF;
  -- Row by row in the order of the statement: in another order an id may still be in use.
  own_join := pg_catalog.concat_ws(' ', pg_catalog.current_setting('enable_hashjoin'),
    pg_catalog.current_setting('enable_mergejoin'), pg_catalog.current_setting('enable_material'));
  {find_moved(rows)}
  PERFORM pg_catalog.set_config(s.s, 'off', true)
  FROM pg_catalog.unnest(ARRAY['enable_hashjoin', 'enable_mergejoin', 'enable_material']) AS s (s);
  {moved};
  PERFORM pg_catalog.set_config('enable_hashjoin', pg_catalog.split_part(own_join, ' ', 1), true),
    pg_catalog.set_config('enable_mergejoin', pg_catalog.split_part(own_join, ' ', 2), true),
    pg_catalog.set_config('enable_material', pg_catalog.split_part(own_join, ' ', 3), true);
  IF EXISTS (SELECT FROM {rows.target} AS b WHERE {id.in_array("b", "own_olds")}
    AND NOT EXISTS (SELECT FROM {rows.origin} AS a WHERE {id.same("a", "b")})) THEN
    IF EXISTS (SELECT FROM {moves(rows, "own_olds", "own_news")}, {rows.target} AS b,
        {rows.origin} AS a WHERE {joined(rows)}
      AND NOT EXISTS (SELECT FROM {rows.origin} AS z WHERE {id.same("z", "b")})) THEN
      RAISE object_not_in_prerequisite_state USING MESSAGE = {kept},
        HINT = 'Let the trigger accept the new id, or change the id in the other table.';
    ELSIF {_cascades(rows)} THEN
      RAISE object_not_in_prerequisite_state USING MESSAGE = {lost},
        HINT = 'Delete the row, or change its id, in one statement after the other.';
    END IF;
    {rows.remove(id.in_array("b", "own_olds"))};
  END IF;
  -- An INSERT without rows would fire triggers for each statement.
  IF EXISTS (SELECT FROM {rows.origin} AS a WHERE {left}) THEN
    {_inserted(rows, left, exclusive=exclusive)};
  END IF;
  IF own_there <> '{{}}' THEN
    {carry_to_moved(rows)};
  END IF;{end}"""


def _cascades(rows: OneWay) -> str:
    """A condition: to delete a row of the target could delete or change rows that refer to it."""
    return f"""EXISTS (SELECT FROM pg_catalog.pg_constraint AS c
      WHERE c.confrelid = {literal(rows.target)}::pg_catalog.regclass AND c.contype = 'f'
        AND c.confdeltype NOT IN ('a', 'r'))"""  # NO ACTION and RESTRICT (pg_constraint.h)


def _inserted(rows: OneWay, left: str, *, exclusive: bool) -> str:
    """plpgsql that inserts rows whose old id the target does not have.

    The target may have the row under an id before that: a trigger of the application has changed
    the id again, and capture of the outer statement comes later. If a unique key forbids both, the
    rows that the origin no longer has go first, unless the application may have written them.
    """
    inserted = rows.upsert(left)
    if not exclusive:
        return inserted
    return f"""BEGIN
      {inserted};
    EXCEPTION WHEN unique_violation OR exclusion_violation THEN
      IF {_cascades(rows)}
        OR EXISTS (SELECT FROM {rows.target} AS b WHERE {OURS}
          AND NOT EXISTS (SELECT FROM {rows.origin} AS a WHERE {rows.id.same("a", "b")}))
      THEN
        RAISE;
      END IF;
      {rows.remove("true")};
      {inserted};
    END"""
