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
UNUSUAL = (
    Write("cursor",
          ("DECLARE mine CURSOR FOR SELECT * FROM {t} WHERE id + 0 = {b} FOR UPDATE", "FETCH mine",
           "UPDATE {t} SET rotation = 'w', kind = 'cursor' WHERE CURRENT OF mine"), _is(0, W)),
    Write("cursor, twice",
          ("DECLARE mine CURSOR FOR SELECT * FROM {t} WHERE id + 0 = {b} FOR UPDATE", "FETCH mine",
           "UPDATE {t} SET rotation = 'v', kind = 'cursor' WHERE CURRENT OF mine",
           "UPDATE {t} SET rotation = 'w' WHERE CURRENT OF mine"), _is(0, W)),
    Write("cursor without a lock",
          ("DECLARE mine CURSOR FOR SELECT * FROM {t} WHERE id + 0 = {b}", "FETCH mine",
           "UPDATE {t} SET rotation = 'w' WHERE CURRENT OF mine"), _is(0, W)),
    Write("cursor deletes",
          ("DECLARE mine CURSOR FOR SELECT * FROM {t} WHERE id + 0 = {b} FOR UPDATE", "FETCH mine",
           "DELETE FROM {t} WHERE CURRENT OF mine"), _gone(0)),
    Write("copy",
          ("COPY {t} (id, person_id, programme, curriculum) FROM PROGRAM"
           " 'printf \"%d\\\\t%d\\\\t9\\\\t9\\\\n\" $(({b} + 5)) {p}'",),
          _is(5, "curriculum = 9")),
)  # fmt: skip
"""Raced apart from the others: there are no more blocks. The cursors read by an expression of the
id, which rules no partition out: see ``test_cursors.py``."""

OWN = "('00000000-0000-4000-8000-' || lpad('{b}', 12, '0'))::uuid"
PARENT = "(SELECT c.parent_uuid FROM s.narrow AS c WHERE c.id = {b})"


NO = "rotation = 'no'"


def _parent(condition: str, offset: int = 0) -> str:
    """The child of the block has a parent with that."""
    return (
        "EXISTS (SELECT FROM s.narrow AS c JOIN s.wide AS p ON p.uuid = c.parent_uuid"
        f" WHERE c.id = {{b}} + {offset} AND p.{condition})"
    )


OF_FAMILIES = (
    Write("a parent's value", (f"UPDATE s.wide SET rotation = 'w' WHERE uuid = {PARENT}",),
          _parent(W)),
    Write("a parent's key", (f"UPDATE s.wide SET kind = 'moved' WHERE uuid = {PARENT}",),
          _parent("kind = 'moved'")),
    Write("a child's own column", ("UPDATE s.narrow SET curriculum = -7 WHERE id = {b}",),
          _is(0, "curriculum = -7")),
    Write("a child leaves", ("DELETE FROM s.narrow WHERE id = {b}",), _gone(0)),
    Write("a child moves to its neighbour's parent",
          ("UPDATE s.narrow SET parent_uuid = (SELECT c.parent_uuid FROM s.narrow AS c"
           " WHERE c.id = {b} + 1) WHERE id = {b}",),
          "(SELECT count(DISTINCT c.parent_uuid) = 1 FROM s.narrow AS c"
          " WHERE c.id IN ({b}, {b} + 1))"),
    Write("a parent is born with its child",
          (f"INSERT INTO s.wide (uuid, person_id, programme, kind) VALUES ({OWN}, {{p}}, 9, 'new')",
           f"INSERT INTO s.narrow (id, curriculum, parent_uuid) VALUES ({{b}} + 5, 1, {OWN})"),
          _parent("kind = 'new'", 5)),
    Write("a child joins", (f"INSERT INTO s.narrow (id, curriculum, parent_uuid)"
                            f" SELECT {{b}} + 5, 1, {PARENT}",), _is(5, "true")),
    Write("value and child",
          (f"UPDATE s.wide SET score = 7.50 WHERE uuid = {PARENT}",
           "UPDATE s.narrow SET curriculum = -8 WHERE id = {b}"),
          f"{_parent('score = 7.5')} AND {_is(0, 'curriculum = -8')}"),
    Write("savepoint of a parent rolled back",
          ("SAVEPOINT p", f"UPDATE s.wide SET rotation = 'no' WHERE uuid = {PARENT}",
           "ROLLBACK TO p", f"UPDATE s.wide SET score = -9 WHERE uuid = {PARENT}"),
          f"{_parent('score = -9')} AND NOT {_parent(NO)}"),
    Write("merge into a parent",
          (f"MERGE INTO s.wide AS w USING (SELECT {PARENT} AS uuid) AS v ON w.uuid = v.uuid"
           " WHEN MATCHED THEN UPDATE SET rotation = 'w', kind = 'merged'",),
          _parent("kind = 'merged'")),
    Write("replica role on a parent",
          ("SET LOCAL session_replication_role = replica",
           f"UPDATE s.wide SET rotation = 'w' WHERE uuid = {PARENT}",
           "UPDATE s.narrow SET curriculum = -7 WHERE id = {b}"),
          f"{_parent(W)} AND {_is(0, 'curriculum = -7')}"),
    Write("cursor over a parent",
          (f"DECLARE mine CURSOR FOR SELECT * FROM s.wide WHERE uuid = {PARENT} FOR UPDATE",
           "FETCH mine", "UPDATE s.wide SET score = 7.50 WHERE CURRENT OF mine"),
          _parent("score = 7.5")),
    Write("both rows locked first",
          ("SELECT FROM s.narrow WHERE id = {b} FOR UPDATE",
           f"SELECT FROM s.wide WHERE uuid = {PARENT} FOR UPDATE",
           f"UPDATE s.wide SET rotation = 'w' WHERE uuid = {PARENT}"), _parent(W)),
    Write("there and back", (f"UPDATE s.wide SET rotation = 'x' WHERE uuid = {PARENT}",
                             f"UPDATE s.wide SET rotation = 'w' WHERE uuid = {PARENT}"),
          _parent(W)),
)  # fmt: skip
"""What new-style writers do: to parents, to links, and to columns of the child's own."""

CASCADES = (
    Write("person deleted, cascading", ("DELETE FROM s.person WHERE id = {p}",), _gone(1)),
    Write("person deleted, set null", ("DELETE FROM s.person WHERE id = {p} + 3",),
          _is(4, "mentor_id IS NULL")),
    Write("person's id changed", ("UPDATE s.person SET id = id + 50000 WHERE id = {p}",),
          _is(0, "person_id > 50000")),
)  # fmt: skip


def _direct(
    statement: str, partition: str = "SELECT tableoid::regclass FROM {t} WHERE id = {b}"
) -> str:
    """Run it in one partition."""
    return f"DO $$ BEGIN EXECUTE format('{statement}', ({partition})); END $$"


COPIED = "id, person_id, programme, rotation, curriculum, amended"
OF_PARTITIONS = (
    Write("moves", ("UPDATE {t} SET curriculum = curriculum + 250 WHERE id = {b}",),
          _is(0, "curriculum >= 250 + {b}")),
    Write("moves with another id",
          ("UPDATE {t} SET curriculum = curriculum + 251, id = {b} + 5, rotation = 'w'"
           " WHERE id = {b}",), f"{_gone(0)} AND {_is(5, W)}"),
    Write("several move",
          ("UPDATE {t} SET curriculum = curriculum + 252 WHERE id BETWEEN {b} AND {b} + 3",),
          _is(3, "curriculum >= 252 + {b}")),
    Write("moves there and back",
          ("UPDATE {t} SET curriculum = curriculum + 253 WHERE id = {b}",
           "UPDATE {t} SET curriculum = curriculum - 253, rotation = 'w' WHERE id = {b}"),
          _is(0, W)),
    Write("moves and goes",
          ("UPDATE {t} SET curriculum = curriculum + 254 WHERE id = {b}",
           "DELETE FROM {t} WHERE id = {b}"), _gone(0)),
    Write("moves, rolled back",
          ("SAVEPOINT p", "UPDATE {t} SET curriculum = curriculum + 255 WHERE id = {b}",
           "ROLLBACK TO p", "UPDATE {t} SET rotation = 'w' WHERE id = {b}"), _is(0, W)),
    Write("moves, with another key",
          ("UPDATE {t} SET curriculum = curriculum + 256, kind = 'w', rotation = 'w'"
           " WHERE id = {b}",), _is(0, W)),
    Write("update of a partition",
          (_direct("UPDATE %s SET rotation = ''w'', kind = ''w'' WHERE id = {b}"),), _is(0, W)),
    Write("delete of a partition", (_direct("DELETE FROM %s WHERE id = {b}"),), _gone(0)),
    Write("delete and insert in a partition",
          ("CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT *, tableoid::regclass AS part FROM {t}"
           " WHERE id = {b}",
           _direct("DELETE FROM %s WHERE id = {b}"), "UPDATE kept SET rotation = 'w'",
           _direct(f"INSERT INTO %s ({COPIED}) SELECT {COPIED} FROM kept",
                   "SELECT part FROM kept")), _is(0, W)),
)  # fmt: skip
"""Of a table whose partitions are chosen by the curriculum, or by it and the id."""

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
    for known in ((*WRITES, *CASCADES), UNUSUAL, OF_FAMILIES, OF_PARTITIONS):
        if write in known:
            return BLOCK * (region + known.index(write))
    return BLOCK * region
