"""The statements that a role tries on a table: INSERT, DELETE, and an UPDATE of each column."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from membership_refactor.sql.quoting import columns, ident, literal

Row = Mapping[str, str | None]
"""The values of a row as text."""
LONG = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(60))
"""A text longer than an entry of a B-tree may be (2,704 bytes); it cannot be compressed to fit."""


class Style(StrEnum):
    """Which structure the statements of an application are written for."""

    OLD = "old statements"
    """The columns of the wide table."""
    NEW = "new statements"
    """The child's own columns and the link."""
    PARENT = "statements on the parent"


@dataclass(frozen=True, slots=True)
class Probe:
    """One or two statements of an application. ``columns`` are those that it writes."""

    label: str
    """The same for the same thing said in another style."""
    columns: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A table at a stage, and what the statements may use of it."""

    table: str
    """Quoted and qualified."""
    id: str
    columns: tuple[str, ...]
    """Those that the statements write, the id among them."""
    fresh_id: str | None
    """An expression for a new row's id; None where the table gives it one itself."""
    long_texts: tuple[str, ...] = ()
    """Columns that take a text of any length and are part of the key."""
    always: bool = False
    """Whether the id is GENERATED ALWAYS."""


def probes(target: Target, row: Row, other: Row) -> Iterator[Probe]:
    """Every statement about that row; ``other`` gives other values."""
    here = f"WHERE {ident(target.id)} = {_said(row[target.id])}"
    rest = [c for c in target.columns if c != target.id]
    insert = _insert(target, rest, row)
    yield Probe("INSERT a copy of the row", tuple(rest), (insert,))
    remove = f"DELETE FROM {target.table} {here}"
    again = "" if not target.always else " OVERRIDING SYSTEM VALUE"
    yield Probe(
        "DELETE the row and INSERT it again",
        target.columns,
        (
            remove,
            f"INSERT INTO {target.table} ({columns(target.columns)}){again}"
            f" VALUES ({', '.join(_said(row[c]) for c in target.columns)})",
        ),
    )
    yield Probe("DELETE the row", (), (remove,))
    update = f"UPDATE {target.table} SET"
    for name in target.columns:
        yield Probe(
            f"UPDATE {name} to itself",
            (name,),
            (f"{update} {ident(name)} = {_said(row[name])} {here}",),
        )
        if name != target.id and other[name] != row[name]:
            yield Probe(
                f"UPDATE {name} to another row's value",
                (name,),
                (f"{update} {ident(name)} = {_said(other[name])} {here}",),
            )
        if name in target.long_texts:
            yield Probe(
                f"UPDATE {name} to a long text",
                (name,),
                (f"{update} {ident(name)} = {literal(LONG)} {here}",),
            )
    if rest:
        everything = ", ".join(f"{ident(c)} = {_said(row[c])}" for c in rest)
        yield Probe(
            "UPDATE every column to itself", tuple(rest), (f"{update} {everything} {here}",)
        )


def parent_probes(target: Target, row: Row, other: Row) -> Iterator[Probe]:
    """Every statement about a parent whose outcome can be told from the wide table's."""
    here = f"WHERE {ident(target.id)} = {_said(row[target.id])}"
    for name in target.columns:
        if name == target.id:
            continue
        yield Probe(
            f"UPDATE {name} to itself",
            (name,),
            (f"UPDATE {target.table} SET {ident(name)} = {_said(row[name])} {here}",),
        )


def _insert(target: Target, rest: Sequence[str], row: Row) -> str:
    names, values = list(rest), [_said(row[c]) for c in rest]
    if target.fresh_id is not None:
        names, values = [target.id, *names], [target.fresh_id, *values]
    return f"INSERT INTO {target.table} ({columns(names)}) VALUES ({', '.join(values)})"


def _said(value: str | None) -> str:
    return "NULL" if value is None else literal(value)
