"""What one transaction of a writer does, in the way of its kind."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg

from tests.campaign.kinds import NEW, SOURCE
from tests.campaign.tables import CURRICULUM, HOT, KEY, PROGRAMME, Key, Row

Changes = dict[int, Row | None]
Pg = psycopg.Connection[Any]
NAMES = ", ".join(KEY)
SAME = " AND ".join(
    f"{c} = %s" if n < 2 else f"{c} IS NOT DISTINCT FROM %s" for n, c in enumerate(KEY)
)


class Transaction:
    """The choices of one transaction: made once from its seed, so that a retry does the same."""

    def __init__(
        self, kind: str, rows: dict[int, Row], *, person: int, token: str, number: int, epoch: int
    ) -> None:
        self.kind, self.rows, self.person = kind, rows, person
        self.token, self.number, self.epoch = token, number, epoch
        self.random = random.Random(token)
        self.table = "programme_membership" if kind == SOURCE else "curriculum_membership"

    def run(self, pg: Pg) -> Changes:
        """One to three operations, some of them rolled back to a savepoint; returns what will
        have changed when it commits."""
        self.random.seed(self.token)
        pg.execute("INSERT INTO campaign.marker (token) VALUES (%s)", (self.token,))
        changes: Changes = {}
        written: dict[int, str] = {}
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            operation = self._choose()
            if self.random.random() < 0.1:
                with pg.transaction(force_rollback=True):
                    operation(pg, dict(changes), {})
                continue
            done: Changes = dict(changes)
            operation(pg, done, written)
            changes = done
        for hot in sorted(written):
            # Last, so that it orders the transactions of a key without keeping them apart.
            pg.execute(
                "UPDATE campaign.control SET value = %s, n = n + 1, epoch = %s WHERE hot = %s",
                (written[hot], self.epoch, hot),
            )
        return changes

    def _choose(self) -> Callable[[Pg, Changes, dict[int, str]], None]:
        return self.random.choices(
            (
                self._insert_own,
                self._insert_hot,
                self._update_child,
                self._update_own_value,
                self._update_hot_value,
                self._delete,
                self._move_own,
                self._move_hot,
                self._update_both,
            ),
            weights=(4, 4, 5, 3, 4, 5, 2, 4, 3),
        )[0]

    # --- what is known of the rows, this transaction's changes included ----------------------

    def _alive(self, changes: Changes, *, hot: bool | None = None) -> list[int]:
        known = {**self.rows, **changes}
        return [
            id
            for id, row in sorted(known.items())
            if row is not None and (hot is None or row.hot is hot)
        ]

    def _row(self, changes: Changes, id: int) -> Row:
        row = changes[id] if id in changes else self.rows[id]
        assert row is not None
        return row

    def _group(self, changes: Changes, key: Key) -> list[int]:
        return [i for i in self._alive(changes, hot=False) if self._row(changes, i).key == key]

    def _own_key(self, salt: int) -> Key:
        start = date(2100, 1, 1) + timedelta(days=self.number * 8 + salt)
        kind = self.random.choice(("SUBSTANTIVE", "LAT", None, ""))
        end = self.random.choice((None, start + timedelta(days=99)))
        return (self.person, PROGRAMME, kind, start, end)

    def _value(self) -> str:
        return f"{self.token}.{self.random.randrange(1000)}"

    # --- operations -----------------------------------------------------------------------------

    def _insert_own(self, pg: Pg, changes: Changes, written: dict[int, str]) -> None:
        key, value = self._own_key(self.random.randrange(8)), self._value()
        if self._group(changes, key):
            return
        count = self.random.choice((1, 2, 3))
        self._insert(pg, changes, Row(key, value, 0, False), count)

    def _insert_hot(self, pg: Pg, changes: Changes, written: dict[int, str]) -> None:
        hot = self.random.randrange(len(HOT))
        row = Row(HOT[hot], self._value(), 0, True)
        if self._insert(pg, changes, row, 1):
            written[hot] = row.reason or ""

    def _insert(self, pg: Pg, changes: Changes, row: Row, count: int) -> bool:
        """Whether the value of the key's parent was written too."""
        made = True
        if self.kind == NEW:
            parent = _first(pg, f"SELECT uuid FROM programme_membership WHERE {SAME}", row.key)
            made = parent is None
            if parent is None:
                parent = _first(
                    pg,
                    f"INSERT INTO programme_membership ({NAMES}, leaving_reason) "
                    "VALUES (%s, %s, %s, %s, %s, %s) RETURNING uuid",
                    (*row.key, row.reason),
                )
            found = pg.execute(
                "INSERT INTO curriculum_membership (programme_membership_uuid, curriculum_id, "
                f"period_of_grace) SELECT %s, {CURRICULUM}, 0 FROM generate_series(1, %s) "
                "RETURNING id",
                (parent, count),
            ).fetchall()
        else:
            found = pg.execute(
                f"INSERT INTO {self.table} ({NAMES}, curriculum_id, leaving_reason, "
                f"period_of_grace) SELECT %s, %s, %s, %s::date, %s::date, {CURRICULUM}, %s, 0 "
                "FROM generate_series(1, %s) RETURNING id".encode(),
                (*row.key, row.reason, count),
            ).fetchall()
        for (id,) in found:
            changes[id] = row
        return made

    def _update_child(self, pg: Pg, changes: Changes, written: dict[int, str]) -> None:
        alive = self._alive(changes)
        if not alive:
            return
        id = self.random.choice(alive)
        row = self._row(changes, id)
        pg.execute(
            f"UPDATE {self.table} SET period_of_grace = %s, amended_date = now() "
            "WHERE id = %s".encode(),
            (row.grace + 1, id),
        )
        changes[id] = replace(row, grace=row.grace + 1)

    def _update_own_value(self, pg: Pg, changes: Changes, written: dict[int, str]) -> None:
        alive = self._alive(changes, hot=False)
        if not alive:
            return
        group = self._group(changes, self._row(changes, self.random.choice(alive)).key)
        value = self._value()
        if self.kind == NEW:
            pg.execute(
                f"UPDATE programme_membership SET leaving_reason = %s, amended_date = now() "
                f"WHERE {SAME}",
                (value, *self._row(changes, group[0]).key),
            )
        else:
            pg.execute(
                f"UPDATE {self.table} SET leaving_reason = %s, amended_date = now() "
                "WHERE id = ANY (%s)".encode(),
                (value, group),
            )
        for id in group:
            changes[id] = replace(self._row(changes, id), reason=value)

    def _update_both(self, pg: Pg, changes: Changes, written: dict[int, str]) -> None:
        """One statement that writes both tables: a column of a row in one, another column of the
        row and its siblings in the other. Where the other table is not open, the other way."""
        alive = self._alive(changes, hot=False)
        if not alive or self.kind != SOURCE:
            return
        id = self.random.choice(alive)
        row = self._row(changes, id)
        group, value = self._group(changes, row.key), self._value()
        grace = "UPDATE programme_membership SET period_of_grace = %(grace)s WHERE id = %(id)s"
        reason = "UPDATE {} SET leaving_reason = %(value)s WHERE id = ANY (%(group)s)"
        values = {"grace": row.grace + 1, "id": id, "value": value, "group": group}
        both = [grace, reason.format("curriculum_membership")]
        self.random.shuffle(both)
        try:
            with pg.transaction():
                pg.execute(f"WITH x AS ({both[0]} RETURNING 1) {both[1]}".encode(), values)
        except (psycopg.errors.UndefinedTable, psycopg.errors.ObjectNotInPrerequisiteState):
            pg.execute(grace.encode(), values)
            pg.execute(reason.format("programme_membership").encode(), values)
        for other in group:
            changes[other] = replace(self._row(changes, other), reason=value)
        changes[id] = replace(self._row(changes, id), grace=row.grace + 1)

    def _update_hot_value(self, pg: Pg, changes: Changes, written: dict[int, str]) -> None:
        value = self._value()
        if self.kind == NEW:
            hot = self.random.randrange(len(HOT))
            done = pg.execute(
                f"UPDATE programme_membership SET leaving_reason = %s, amended_date = now() "
                f"WHERE {SAME}",
                (value, *HOT[hot]),
            ).rowcount
            if done:
                written[hot] = value
            return
        alive = self._alive(changes, hot=True)
        if not alive:
            return
        id = self.random.choice(alive)
        row = self._row(changes, id)
        pg.execute(
            f"UPDATE {self.table} SET leaving_reason = %s, amended_date = now() "
            "WHERE id = %s".encode(),
            (value, id),
        )
        changes[id] = replace(row, reason=value)
        written[HOT.index(row.key)] = value

    def _delete(self, pg: Pg, changes: Changes, written: dict[int, str]) -> None:
        alive = self._alive(changes)
        if not alive:
            return
        id = self.random.choice(alive)
        row = self._row(changes, id)
        pg.execute(f"DELETE FROM {self.table} WHERE id = %s".encode(), (id,))
        changes[id] = None
        if self.kind == NEW and not row.hot and not self._group(changes, row.key):
            pg.execute(f"DELETE FROM programme_membership WHERE {SAME}", row.key)

    def _move_own(self, pg: Pg, changes: Changes, written: dict[int, str]) -> None:
        alive = self._alive(changes, hot=False)
        if not alive:
            return
        old = self._row(changes, self.random.choice(alive)).key
        group, new = self._group(changes, old), self._own_key(self.random.randrange(8))
        if self._group(changes, new):
            return
        if self.kind == NEW:
            self._rewrite(pg, "programme_membership", new, f"WHERE {SAME}", old)
        else:
            self._rewrite(pg, self.table, new, "WHERE id = ANY (%s)", (group,))
        for id in group:
            changes[id] = replace(self._row(changes, id), key=new)

    def _move_hot(self, pg: Pg, changes: Changes, written: dict[int, str]) -> None:
        alive = self._alive(changes, hot=True)
        if not alive:
            return
        id = self.random.choice(alive)
        row = self._row(changes, id)
        hot, value = self.random.randrange(len(HOT)), self._value()
        if HOT[hot] == row.key:
            return
        if self.kind == NEW:
            done = pg.execute(
                "UPDATE curriculum_membership AS c SET programme_membership_uuid = p.uuid "
                f"FROM programme_membership AS p WHERE {_of('p')} AND c.id = %s",
                (*HOT[hot], id),
            ).rowcount
            if done:
                changes[id] = replace(row, key=HOT[hot])
            return
        self._rewrite(pg, self.table, HOT[hot], "WHERE id = %s", (id,), value=value)
        changes[id] = replace(row, key=HOT[hot], reason=value)
        written[hot] = value

    def _rewrite(
        self, pg: Pg, table: str, key: Key, where: str, values: Any, *, value: str | None = None
    ) -> None:
        columns = ", ".join(f"{c} = %s" for c in KEY)
        more = ", leaving_reason = %s" if value is not None else ""
        given = (*key, value) if value is not None else key
        pg.execute(
            f"UPDATE {table} SET {columns}{more}, amended_date = now() {where}".encode(),
            (*given, *values),
        )


def _of(alias: str) -> str:
    return " AND ".join(f"{alias}.{c} IS NOT DISTINCT FROM %s" for c in KEY)


def _first(pg: Pg, query: str, values: Any) -> Any:
    row = pg.execute(query.encode(), values).fetchone()
    return row[0] if row else None
