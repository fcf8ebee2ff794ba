"""Guess from names and types which columns hold ids of a table without a foreign key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

INTEGERS = frozenset({"int2", "int4", "int8", "numeric"})
TEXTS = frozenset({"text", "varchar", "bpchar", "citext", "name"})

_ENDINGS = ("id", "ids", "uuid", "uuids", "pk", "ref")
_COMMON_IDS = frozenset({"id", "ids", "uuid", "pk", "key", "code", "name", "number", "no"})
_ANY_ROW = frozenset(
    {
        "objectid",
        "objectpk",
        "objectuuid",
        "recordid",
        "rowid",
        "rowpk",
        "entityid",
        "targetid",
        "itemid",
        "modelid",
    }
)
"""Columns that hold the id of a row of any table."""
_ANY_TABLE = frozenset(
    {
        "contenttype",
        "contenttypeid",
        "tablename",
        "relation",
        "relname",
        "model",
        "modelname",
        "modeltype",
        "entity",
        "entitytype",
        "entityname",
        "objecttype",
        "targettype",
        "itemtype",
        "recordtype",
        "classname",
        "rowtype",
    }
)
"""Columns that say of which table it is."""


@dataclass(frozen=True, order=True, slots=True)
class Column:
    """One column of any table of the database."""

    schema: str
    table: str
    name: str
    kind: str
    """The name of its type; of an array that of the elements."""
    array: bool
    constrained: bool
    """Whether a foreign key says what it refers to."""
    readable: bool
    """Whether this session may read every row of the table."""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.schema, self.table, self.name)


@dataclass(frozen=True, slots=True)
class Target:
    """A table whose rows a merge deletes."""

    table: str
    id: str
    tell: tuple[str, ...]
    """Columns by which a copy or a history of the table is recognised."""


def guesses(catalog: Sequence[Column], schema: str, target: Target) -> Iterator[tuple[Column, str]]:
    """Yield each column that looks like a reference to the table, and why."""
    kind = kind_of(catalog, schema, target)
    if kind is None:
        return
    tables: dict[tuple[str, str], list[Column]] = {}
    for column in catalog:
        tables.setdefault((column.schema, column.table), []).append(column)
    others = {_plain(table) for _, table in tables if table != target.table}
    others |= {_singular(name) for name in others}
    for place, columns in tables.items():
        by_name = {column.name for column in columns}
        copied = place != (schema, target.table) and by_name >= {target.id, *target.tell}
        generic = _generic(columns)
        for column in columns:
            if column.constrained or not (_alike(column.kind, kind) or column.kind in TEXTS):
                continue
            if column.name == target.id and copied:
                yield column, f"its table has the columns of {target.table}: a copy or a history"
            elif column.name in generic and not column.array:
                yield column, f"with {generic[column.name]} it may name a row of any table"
            elif _named_after(target, column, others):
                yield column, f"it is named after {target.table}"


def kind_of(catalog: Sequence[Column], schema: str, target: Target) -> str | None:
    """Return the type of the table's id; None if there is no such table."""
    place = (schema, target.table, target.id)
    return next((column.kind for column in catalog if column.key == place), None)


def stems(table: str) -> tuple[str, ...]:
    """Return the name of the table and its endings, without underscores: the longest first."""
    words = [w.lower() for w in re.split(r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])", table) if w]
    joined = ["".join(words[at:]) for at in range(len(words))]
    return tuple(dict.fromkeys(s for one in joined for s in (_singular(one), one)))


def _named_after(target: Target, column: Column, others: set[str]) -> bool:
    name = _plain(column.name)
    if name == _plain(target.id) and name not in _COMMON_IDS:
        return True
    known = stems(target.table)
    full = known[:2] if len(known) > 1 and _singular(known[1]) == known[0] else known[:1]
    for ending in (*_ENDINGS, *(("", "s") if column.array else ())):
        stem = name.removesuffix(ending) if ending else name
        if stem == name and ending:
            continue
        if stem in full:
            return True
        if stem not in others and (stem in known or stem.endswith(full)):
            return True
    return False


def _generic(columns: Sequence[Column]) -> dict[str, str]:
    """Return the columns that hold ids of any table, each with the column that names the table."""
    plain = {_plain(column.name): column.name for column in columns}
    table = next((plain[name] for name in plain if name in _ANY_TABLE), None)
    found = {plain[name]: table for name in plain if name in _ANY_ROW and table}
    for name, spelled in plain.items():
        stem = name.removesuffix("id").removesuffix("uu")
        kinds = [plain[stem + e] for e in ("type", "typeid", "class") if stem + e in plain]
        if stem and stem != name and kinds:
            found[spelled] = kinds[0]
    return found


def _alike(kind: str, other: str) -> bool:
    return kind == other or any({kind, other} <= family for family in (INTEGERS, TEXTS))


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _singular(name: str) -> str:
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
