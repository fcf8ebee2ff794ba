"""What writers do in a race: each to a block of ids of its own, and how to see that it landed."""

from __future__ import annotations

from dataclasses import dataclass

from tests.races.tables import BLOCK

VALUES = (
    "INSERT INTO {t} (id, person_id, programme, kind, rotation, score, curriculum, badge, note)"
)
"""Followed by VALUES or SELECT; the columns that a row needs and some that bite."""


@dataclass(frozen=True)
class Write:
    """The statements of one transaction. ``{t}`` is the table, ``{b}`` the block's first id,
    ``{p}`` the person of its first two rows."""

    name: str
    body: tuple[str, ...]
    landed: str
    """A condition that holds on ``{t}`` if and only if it was committed."""
    commits: bool = True

    def statements(self, table: str, base: int) -> tuple[str, ...]:
        return tuple(_filled(text, table, base) for text in self.body)

    def condition(self, table: str, base: int) -> str:
        return "SELECT " + _filled(self.landed, table, base)


def _filled(text: str, table: str, base: int) -> str:
    for word, value in (("{t}", table), ("{b}", str(base)), ("{p}", str(base // 2 + 1))):
        text = text.replace(word, value)
    return text


def _row(offset: int, badge: str = "NULL", note: str = "NULL") -> str:
    return f"({{b}} + {offset}, {{p}}, 1, 'new', 'w', 1.50, 7, {badge}, {note})"


def _is(offset: int, condition: str) -> str:
    return f"EXISTS (SELECT FROM {{t}} WHERE id = {{b}} + {offset} AND {condition})"


def _gone(offset: int) -> str:
    return f"NOT EXISTS (SELECT FROM {{t}} WHERE id = {{b}} + {offset})"


W, BADGE, SWAPPED = "rotation = 'w'", "'b' || {b}", "badge = 'b' || {b} + 1"
WRITES = (
    Write("delete", ("DELETE FROM {t} WHERE id = {b}",), _gone(0)),
    Write("delete several", ("DELETE FROM {t} WHERE id BETWEEN {b} AND {b} + 2",), _gone(2)),
    Write("update", ("UPDATE {t} SET rotation = 'w' WHERE id = {b}",), _is(0, "rotation = 'w'")),
    Write("update several",
          ("UPDATE {t} SET rotation = 'w', amended = '2024-01-01'"
           " WHERE id BETWEEN {b} AND {b} + 3",),
          _is(3, "rotation = 'w'")),
    Write("update twice",
          ("UPDATE {t} SET rotation = 'v' WHERE id = {b}",
           "UPDATE {t} SET rotation = 'w' WHERE id = {b}"), _is(0, "rotation = 'w'")),
    Write("update of the link's key",
          ("UPDATE {t} SET kind = NULL, began = 'infinity' WHERE id = {b}",),
          _is(0, "kind IS NULL AND began = 'infinity'")),
    Write("update that is none", ("UPDATE {t} SET rotation = rotation WHERE id = {b}",),
          _is(0, "true")),
    Write("scale, blanks, minus zero, padding, case",
          ("UPDATE {t} SET score = 1.50, note = '{\"a\":  1}', ratio = '-0', tags = '{1.000,NULL}',"
           " code = 'ab', label = upper(label::text)::public.citext WHERE id = {b}",
           "UPDATE {t} SET score = 1.5000, note = '{\"a\": 1 }', ratio = 0, tags = '{1.0,NULL}'"
           " WHERE id = {b}"),
          _is(0, "score::text = '1.5000' AND note::text = '{\"a\": 1 }'")),
    Write("not a number", ("UPDATE {t} SET score = 'NaN', ratio = 'NaN', began = '-infinity'"
                           " WHERE id = {b}",), _is(0, "score = 'NaN'")),
    Write("insert", (f"{VALUES} VALUES {_row(5)}",), _is(5, "rotation = 'w'")),
    Write("insert several", (f"{VALUES} VALUES {_row(5)}, {_row(6)}",), _is(6, "rotation = 'w'")),
    Write("insert and delete", (f"{VALUES} VALUES {_row(5)}", "DELETE FROM {t} WHERE id = {b} + 5"),
          _gone(5)),
    Write("change of id", ("UPDATE {t} SET id = {b} + 5 WHERE id = {b}",),
          f"{_gone(0)} AND {_is(5, 'true')}"),
    Write("change of several ids",
          ("UPDATE {t} SET id = id + 5, rotation = 'w' WHERE id BETWEEN {b} AND {b} + 3",),
          f"{_gone(3)} AND {_is(8, 'true')}"),
    Write("change of id and back",
          ("UPDATE {t} SET id = {b} + 5 WHERE id = {b}",
           "UPDATE {t} SET id = {b}, rotation = 'w' WHERE id = {b} + 5"), _is(0, "rotation = 'w'")),
    Write("delete and insert again",
          ("DELETE FROM {t} WHERE id = {b}", f"{VALUES} VALUES {_row(0)}"), _is(0, W)),
    Write("unique values swapped in one statement",
          ("UPDATE {t} SET badge = CASE id WHEN {b} THEN 'b' || {b} + 1 ELSE 'b' || {b} END"
           " WHERE id IN ({b}, {b} + 1)",), _is(0, "badge = 'b' || {b} + 1")),
    Write("unique value handed on",
          ("DELETE FROM {t} WHERE id = {b}", f"{VALUES} VALUES {_row(5, BADGE)}"),
          _is(5, "badge = 'b' || {b}")),
    Write("unique values swapped, deferred",
          ("SET CONSTRAINTS ALL DEFERRED", "UPDATE {t} SET badge = 'b' || {b} + 1 WHERE id = {b}",
           "UPDATE {t} SET badge = 'b' || {b} WHERE id = {b} + 1"), _is(0, SWAPPED)),
    Write("on conflict do update",
          (f"{VALUES} VALUES {_row(0)}, {_row(5)}"
           " ON CONFLICT (id) DO UPDATE SET rotation = 'up', score = excluded.score",),
          f"{_is(0, chr(39).join(['rotation = ', 'up', '']))} AND {_is(5, 'true')}"),
    Write("on conflict do nothing",
          (f"{VALUES} VALUES {_row(0)}, {_row(5)} ON CONFLICT (id) DO NOTHING",),
          _is(5, "rotation = 'w'")),
    Write("merge",
          ("MERGE INTO {t} AS t USING (VALUES ({b}), ({b} + 1), ({b} + 5)) AS v (id) ON t.id = v.id"
           " WHEN MATCHED AND t.id = {b} THEN DELETE"
           " WHEN MATCHED THEN UPDATE SET rotation = 'w'"
           " WHEN NOT MATCHED THEN INSERT (id, person_id, programme, curriculum)"
           " VALUES (v.id, {p}, 1, 1)",),
          f"{_gone(0)} AND {_is(5, 'true')}"),
    Write("several statements in one",
          ("WITH d AS (DELETE FROM {t} WHERE id = {b} RETURNING *),"
           " u AS (UPDATE {t} SET rotation = 'w' WHERE id = {b} + 1 RETURNING id),"
           " e AS (DELETE FROM {t} WHERE id = {b} + 2 RETURNING id),"
           " v AS (UPDATE {t} SET rotation = 'v', kind = 'v' WHERE id = {b} + 3 RETURNING id)"
           " INSERT INTO {t} (id, person_id, programme, curriculum)"
           " SELECT id + 5, person_id, programme, curriculum FROM d",),
          f"{_gone(0)} AND {_gone(2)} AND {_is(5, 'true')} AND {_is(3, 'kind = ' + repr('v'))}"),
    Write("savepoint rolled back",
          ("SAVEPOINT p", "DELETE FROM {t} WHERE id = {b}", "ROLLBACK TO p",
           "UPDATE {t} SET rotation = 'w' WHERE id = {b} + 1"),
          f"{_is(0, 'true')} AND {_is(1, 'rotation = ' + repr('w'))}"),
    Write("rolled back", ("DELETE FROM {t} WHERE id = {b}",
                          "UPDATE {t} SET rotation = 'w' WHERE id = {b} + 1"),
          _is(0, "true"), commits=False),
    Write("replica role", ("SET LOCAL session_replication_role = replica",
                           "UPDATE {t} SET rotation = 'w' WHERE id = {b}",
                           "DELETE FROM {t} WHERE id = {b} + 1"),
          f"{_gone(1)} AND {_is(0, 'rotation = ' + repr('w'))}"),
)  # fmt: skip

CASCADES = (
    Write("person deleted, cascading", ("DELETE FROM s.person WHERE id = {p}",), _gone(1)),
    Write("person deleted, set null", ("DELETE FROM s.person WHERE id = {p} + 3",),
          _is(4, "mentor_id IS NULL")),
    Write("person's id changed", ("UPDATE s.person SET id = id + 50000 WHERE id = {p}",),
          _is(0, "person_id > 50000")),
)  # fmt: skip

EMPTY = "(SELECT count(*) FROM {t}) <= 4"
TRUNCATES = (
    Write("truncate", ("TRUNCATE {t}",), EMPTY),
    Write("truncate and fill", ("TRUNCATE {t} RESTART IDENTITY", f"{VALUES} VALUES {_row(5)}"),
          EMPTY),
    Write("truncate, cascading", ("TRUNCATE {t} CASCADE",), EMPTY),
    Write("truncate rolled back", ("TRUNCATE {t}", f"{VALUES} VALUES {_row(5)}"), "true",
          commits=False),
    Write("write, truncate, write",
          ("UPDATE {t} SET rotation = 'w' WHERE id > {b}", "TRUNCATE {t}",
           f"{VALUES} VALUES {_row(0)}, {_row(5)}", "DELETE FROM {t} WHERE id = {b} + 5"), EMPTY),
)  # fmt: skip
"""Each alone in a race: nothing else is left to be told apart."""

LOW, HIGH = 1, 31
"""The first block of the writes whose rows lie in the first batch, and in the second."""


def base_of(write: Write, region: int) -> int:
    """The first id of that write's block."""
    known = (*WRITES, *CASCADES)
    return BLOCK * (region + (known.index(write) if write in known else 0))
