"""The statements that a role tries on a table: INSERT, DELETE, and an UPDATE of each column."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from membership_refactor.sql.quoting import columns, ident, literal
from membership_refactor.sql.row_id import RowId

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
    id: RowId
    columns: tuple[str, ...]
    """Those that the statements write, the id among them."""
    new: str
    """The id column in which a copy of a row gets another value. It is the id where that is one."""
    fresh_id: str | None
    """An expression for that value; None where the table gives one itself."""
    long_texts: tuple[str, ...] = ()
    """Columns that take a text of any length and are part of the key."""
    always: bool = False
    """Whether that column is GENERATED ALWAYS."""

    def where(self, row: Row) -> str:
        """The row."""
        return f"WHERE {self.id.matches('', [_said(row[c]) for c in self.id.columns])}"


def probes(target: Target, row: Row, other: Row) -> Iterator[Probe]:
    """Every statement about that row; ``other`` gives other values."""
    here = target.where(row)
    rest = [c for c in target.columns if c not in target.id.columns]
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
        if name not in target.id.columns and other[name] != row[name]:
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
    here = target.where(row)
    for name in target.columns:
        if name in target.id.columns:
            continue
        yield Probe(
            f"UPDATE {name} to itself",
            (name,),
            (f"UPDATE {target.table} SET {ident(name)} = {_said(row[name])} {here}",),
        )


def _insert(target: Target, rest: Sequence[str], row: Row) -> str:
    names = [*(c for c in target.id.columns if c != target.new), *rest]
    values = [_said(row[c]) for c in names]
    if target.fresh_id is not None:
        names, values = [target.new, *names], [target.fresh_id, *values]
    return f"INSERT INTO {target.table} ({columns(names)}) VALUES ({', '.join(values)})"


def _said(value: str | None) -> str:
    return "NULL" if value is None else literal(value)
