"""Rows for the wide table of a plan: gaps, disagreements, near keys and duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from membership_refactor.planning import Conflict, TableSplit
from membership_refactor.planning.split import Nulls
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.row_id import RowId
from membership_refactor.testing.made_values import Column, columns

_FOREIGN_KEYS = """
SELECT k.confrelid::regclass::text, k.confrelid = k.conrelid,
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (n, o)
    JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (k.conrelid, u.n) ORDER BY u.o),
  ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (n, o)
    JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (k.confrelid, u.n) ORDER BY u.o)
FROM pg_catalog.pg_constraint AS k
WHERE k.conrelid = pg_catalog.to_regclass(%s) AND k.contype = 'f' ORDER BY k.conname
"""
REFERRED = 12
"""Rows that are made in a table that another one refers to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Rows of one kind: by row, the seed of some columns or the SQL of their value."""

    name: str
    rows: tuple[Mapping[str, int | str], ...]


@dataclass(slots=True)
class Made:
    """What was made: rows by kind, and why the table took others not."""

    rows: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def kinds(plan: TableSplit, found: tuple[Column, ...]) -> Iterator[Kind]:
    """Every kind of rows that the plan allows for. Columns that are not named get values that no
    other row has."""
    there = {column.name: column for column in found}
    if not plan.key:
        yield Kind(name="plain rows", rows=({},) * 12)
        return
    shared = [c.name for c in plan.parent_columns if c.name in there]

    def group(number: int, **other: int | str) -> dict[str, int | str]:
        return {**dict.fromkeys((*plan.key, *shared), number), **other}

    yield Kind(name="a group of three rows", rows=(group(1),) * 3)
    yield Kind(name="a group of one row", rows=(group(2),))
    for number, name in enumerate(plan.key, start=3):
        yield Kind(name=f"another {name} alone", rows=(group(1, **{name: number}),) * 2)
    if plan.nulls is not Nulls.REJECT:
        open_ = [name for name in plan.key if not there[name].required]
        for number, name in enumerate(open_, start=10):
            yield Kind(name=f"no {name}", rows=(group(number, **{name: "NULL"}),) * 2)
        if len(open_) > 1:
            gaps = dict.fromkeys(open_, "NULL")
            yield Kind(name="no " + " and no ".join(open_), rows=(group(9, **gaps),) * 2)
    for name in plan.key:
        column = there[name]
        if column.is_text and not column.labels:
            value = column.value(1)
            yield Kind(name=f"{name} in capitals", rows=(group(1, **{name: f"upper({value})"}),))
            yield Kind(
                name=f"{name} with a blank", rows=(group(1, **{name: f"{value} || ' '"}),) * 2
            )
    for number, policy in enumerate(plan.parent_columns, start=20):
        if policy.conflict is not Conflict.AGREE and policy.name in there:
            several: list[int | str] = [number, number + 20]
            several += ["NULL"] if not there[policy.name].required else []
            yield Kind(
                name=f"rows that disagree on {policy.name}",
                rows=tuple(group(number, **{policy.name: value}) for value in several),
            )
    same = {c.name: 30 for c in found if c.name not in plan.ids}
    yield Kind(name="two rows that are equal but for the id", rows=(same, same))


class Filler:
    """Fills tables of one database. Referred tables that are empty get rows first."""

    def __init__(self, pg: psycopg.Connection[Any]) -> None:
        self.pg, self._seed = pg, 100
        self._under_way: set[str] = set()

    def fill(self, plan: TableSplit, schema: str) -> Made:
        """Fill the wide table of the plan with rows of every kind."""
        table = qualified(schema, plan.source)
        found = columns(self.pg, table)
        made = Made()
        keys = self._foreign_keys(table)
        for kind in kinds(plan, found):
            for row in kind.rows:
                said = self._insert(table, found, keys, row)
                if said is None:
                    made.rows[kind.name] = made.rows.get(kind.name, 0) + 1
                else:
                    made.refused[kind.name] = said
        if said := self._agree(plan, table):
            made.refused["values that agree within each group"] = said
        return made

    def _agree(self, plan: TableSplit, table: str) -> str | None:
        """Give each group one value of the columns that have to agree: keys of a type with few
        values, such as a boolean, are in several of the groups above."""
        agree = plan.with_policy(Conflict.AGREE)
        if not plan.key or not agree:
            return None
        same = " AND ".join(f"o.{ident(c)} IS NOT DISTINCT FROM t.{ident(c)}" for c in plan.key)
        first = ", ".join(f"o.{ident(c)}" for c in agree)
        return self._try(
            f"UPDATE {table} AS t SET ({listed(agree)}) = (SELECT {first} FROM {table} AS o "
            f"WHERE {same} ORDER BY {RowId(plan.ids).listed('o')} LIMIT 1)"
        )

    def _try(self, statement: str) -> str | None:
        """Run it. Return why the server did not."""
        try:
            with self.pg.transaction():
                self.pg.execute(statement.encode())
        except psycopg.Error as error:
            return " ".join(str(error).split())
        return None

    def _insert(
        self,
        table: str,
        found: tuple[Column, ...],
        keys: list[tuple[str, tuple[str, ...], tuple[str, ...]]],
        row: Mapping[str, int | str],
    ) -> str | None:
        """Insert one row. Return why the table did not take it."""
        self._seed += 1
        values: dict[str, str] = {}
        for column in found:
            given = row.get(column.name, self._seed)
            if column.identity or (column.has_default and column.name not in row):
                continue
            value = given if isinstance(given, str) else column.value(given)
            if value is not None:
                values[column.name] = value
        for referred, own, theirs in keys:
            given = row.get(own[0], self._seed)
            asked = [name for name in own if name in values and values[name] != "NULL"]
            number = given if isinstance(given, int) else self._seed
            for name, their in zip(own, theirs, strict=True):
                if name in asked:
                    values[name] = (
                        f"(SELECT {ident(their)} FROM {referred} ORDER BY {listed(theirs)} "
                        f"OFFSET {number} % (SELECT greatest(count(*), 1) FROM {referred}) LIMIT 1)"
                    )
        into = f"({listed(values)}) VALUES ({', '.join(values.values())})"
        if not values:
            into = "DEFAULT VALUES"
        return self._try(f"INSERT INTO {table} {into}")

    def _foreign_keys(self, table: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
        """The foreign keys of the table, with rows in what they refer to."""
        self._under_way.add(table)
        keys = []
        for referred, _itself, own, theirs in self.pg.execute(_FOREIGN_KEYS, (table,)).fetchall():
            if referred not in self._under_way:
                self._fill_referred(referred)
            keys.append((referred, tuple(own), tuple(theirs)))
        self._under_way.discard(table)
        return keys

    def _fill_referred(self, table: str) -> None:
        if self.pg.execute(f"SELECT EXISTS (SELECT FROM {table})".encode()).fetchone() == (True,):
            return
        found, keys = columns(self.pg, table), self._foreign_keys(table)
        for _ in range(REFERRED):
            self._insert(table, found, keys, {})
