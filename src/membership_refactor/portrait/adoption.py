"""Adoption: whether existing tables can be used instead of those that 0001 would create."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from membership_refactor.portrait.portrait_differences import Change, Difference, compared
from membership_refactor.portrait.table_parts import Constraint
from membership_refactor.portrait.tables import Portrait, Table

_STOPPING = frozenset({"table", "column", "type", "NOT NULL", "identity", "kind", "generation"})
"""Models, plan and later steps need these aspects. Other differences are only recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """The differences that stop the adoption, and those that are only recorded."""

    stopping: tuple[str, ...]
    recorded: tuple[str, ...]

    @property
    def possible(self) -> bool:
        return not self.stopping


def adoption(expected: Portrait, found: Portrait) -> Adoption:
    """Compares the existing tables ``found`` with the expected ones.

    These stop it: a missing table, column or foreign key, and another type, nullability, primary
    key or id generation. Everything else is recorded: additional objects, another column order,
    other names, defaults, grants and so on.
    """
    stopping: list[str] = []
    recorded: list[str] = []
    for difference in compared(expected, found, ignore_order=False):
        (stopping if _stops(difference) else recorded).append(difference.text)
    for table in expected.tables:
        other = found.find(table.name)
        if other is not None:
            stopping.extend(_keys(table, other))
    return Adoption(stopping=tuple(stopping), recorded=tuple(recorded))


def _stops(difference: Difference) -> bool:
    if difference.aspect in ("table", "column"):
        return difference.change is Change.MISSING
    return difference.aspect in _STOPPING and difference.change is Change.OTHER


def _keys(expected: Table, found: Table) -> Iterator[str]:
    """Compares primary and foreign keys by their columns, because their names differ."""
    one, two = expected.primary_key, found.primary_key
    if one is not None and (two is None or two.columns != one.columns):
        there = f"({', '.join(two.columns)})" if two else "missing"
        yield (
            f'table "{expected.name}": the primary key is {there}, '
            f"expected ({', '.join(one.columns)})"
        )
    there_are = {_target(key) for key in found.foreign_keys}
    for key in expected.foreign_keys:
        if _target(key) not in there_are:
            schema_and_table = key.references[1] if key.references else ""
            yield (
                f'table "{expected.name}": the foreign key ({", ".join(key.columns)}) to '
                f'"{schema_and_table}" is missing'
            )


def _target(key: Constraint) -> tuple[tuple[str, ...], str]:
    return key.columns, key.references[1] if key.references else ""
