"""The differences between two portraits, as values and as sentences."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from membership_refactor.portrait import aspects
from membership_refactor.portrait.table_parts import Column, IncomingKey, Statistics
from membership_refactor.portrait.tables import Portrait, Table


class Change(StrEnum):
    """How the found portrait differs from the expected one."""

    MISSING = "missing"
    EXTRA = "extra"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference."""

    aspect: str
    """What differs: table, type, NOT NULL, default, constraint, index, grant, comment, ..."""
    change: Change
    table: str
    item: str
    """The name of the column, constraint, index, ... ; empty for the table itself."""
    text: str

    def __str__(self) -> str:
        return self.text


def differences(
    expected: Portrait | Table,
    found: Portrait | Table,
    *,
    ignore_order: bool = True,
    without: Collection[str] = (),
) -> tuple[str, ...]:
    """A sentence for each difference; empty if the portraits are equal.

    Sizes, row counts, dependents and invalid indexes are not compared. An empty owner in
    ``expected`` matches any owner. ``without`` names aspects to leave out, such as ``incoming``.
    """
    return tuple(
        str(difference)
        for difference in compared(expected, found, ignore_order=ignore_order)
        if difference.aspect not in without
    )


def compared(
    expected: Portrait | Table, found: Portrait | Table, *, ignore_order: bool = True
) -> tuple[Difference, ...]:
    """The same as values."""
    if isinstance(expected, Table) and isinstance(found, Table):
        return tuple(_Comparison(expected, found).run(ignore_order))
    if not (isinstance(expected, Portrait) and isinstance(found, Portrait)):
        raise TypeError("a portrait is compared with a portrait, a table with a table")
    return tuple(_portrait(expected, found, ignore_order))


def _portrait(expected: Portrait, found: Portrait, ignore_order: bool) -> Iterator[Difference]:
    for table in expected.tables:
        other = found.find(table.name)
        if other is None:
            text = f'table "{table.name}" is missing'
            yield _difference("table", Change.MISSING, table.name, "", text)
        else:
            yield from _Comparison(table, other).run(ignore_order)
    for table in found.tables:
        if expected.find(table.name) is None:
            text = f'table "{table.name}" is not expected'
            yield _difference("table", Change.EXTRA, table.name, "", text)


def _difference(aspect: str, change: Change, table: str, item: str, text: str) -> Difference:
    return Difference(aspect=aspect, change=change, table=table, item=item, text=text)


class _Comparison:
    def __init__(self, expected: Table, found: Table) -> None:
        self._expected = expected
        self._found = found
        self._known_owner = bool(expected.owner)

    def run(self, ignore_order: bool) -> Iterator[Difference]:
        one, two = self._expected, self._found
        yield from self._columns(ignore_order)
        yield from self._items(
            "constraint", one.constraints, two.constraints, aspects.of_constraint
        )
        yield from self._items("incoming", one.incoming, two.incoming, aspects.of_key)
        yield from self._items(
            "index",
            [index for index in one.indexes if index.valid],
            [index for index in two.indexes if index.valid],
            aspects.of_index,
        )
        yield from self._items("trigger", one.triggers, two.triggers, aspects.of_trigger_or_rule)
        yield from self._items("rule", one.rules, two.rules, aspects.of_trigger_or_rule)
        yield from self._items("policy", one.policies, two.policies, aspects.of_policy)
        yield from self._items("statistics", one.statistics, two.statistics, aspects.of_statistics)
        yield from self._items(
            "publication", one.publications, two.publications, aspects.of_publication
        )
        yield from self._grants()
        whole = aspects.of_table(one)
        if not self._known_owner:
            del whole["owner"]
        yield from self._parts("", "", whole, aspects.of_table(two))

    def _columns(self, ignore_order: bool) -> Iterator[Difference]:
        one, two = self._expected, self._found
        yield from self._items("column", one.columns, two.columns, aspects.of_column)
        for column in one.columns:
            if column.name in two.column_names:
                yield from self._sequence(column, two.column(column.name))
        if ignore_order:
            return
        expected = [name for name in one.column_names if name in two.column_names]
        found = [name for name in two.column_names if name in one.column_names]
        if expected != found:
            yield self._other("column order", "", "", ", ".join(expected), ", ".join(found))

    def _sequence(self, expected: Column, found: Column) -> Iterator[Difference]:
        # A portrait written by hand may leave out the sequence of an identity.
        if expected.sequence is None or found.sequence is None:
            return
        label = f'column "{expected.name}"'
        yield from self._parts(
            "sequence",
            label,
            aspects.of_sequence(expected.sequence),
            aspects.of_sequence(found.sequence),
        )
        owner = self._found.owner
        one, two = (
            aspects.of_grants(
                s.grants, owner=o, known_owner=self._known_owner, default=aspects.OF_SEQUENCE
            )
            for s, o in (
                (expected.sequence, self._expected.owner or owner),
                (found.sequence, owner),
            )
        )
        yield from self._given(one, two, f"{label}: sequence: ")

    def _grants(self) -> Iterator[Difference]:
        one, two = (
            aspects.of_grants(
                table.grants, table.column_grants, owner=owner, known_owner=self._known_owner
            )
            for table, owner in (
                (self._expected, self._expected.owner or self._found.owner),
                (self._found, self._found.owner),
            )
        )
        yield from self._given(one, two, "")

    def _given(
        self,
        expected: frozenset[tuple[str, str, str]],
        found: frozenset[tuple[str, str, str]],
        place: str,
    ) -> Iterator[Difference]:
        def said(grant: tuple[str, str, str]) -> str:
            grantee, what, grantor = grant
            return f'{place}grant of {what} to "{grantee}"' + (
                f' by "{grantor}"' if grantor else ""
            )

        for grant in sorted(expected - found):
            yield self._absent("grant", said(grant), grant[0])
        for grant in sorted(found - expected):
            yield self._extra("grant", said(grant), grant[0])

    def _items(
        self,
        kind: str,
        expected: Sequence[Any],
        found: Sequence[Any],
        of: Callable[[Any], aspects.Aspects],
    ) -> Iterator[Difference]:
        """Items of one kind, paired by name."""
        here = {_name(item): item for item in expected}
        there = {_name(item): item for item in found}
        for name, item in here.items():
            label = f'{_LABELS.get(kind, kind)} "{name}"'
            if name in there:
                yield from self._parts(kind, label, of(item), of(there[name]), name)
            else:
                yield self._absent(kind, label, name)
        for name in there:
            if name not in here:
                yield self._extra(kind, f'{_LABELS.get(kind, kind)} "{name}"', name)

    def _parts(
        self,
        kind: str,
        label: str,
        expected: aspects.Aspects,
        found: aspects.Aspects,
        item: str = "",
    ) -> Iterator[Difference]:
        for part, value in expected.items():
            if found[part] != value:
                aspect = part if kind in ("", "column") else kind
                yield self._other(aspect, label, part, value, found[part], item=item)

    def _other(
        self, aspect: str, label: str, part: str, expected: object, found: object, *, item: str = ""
    ) -> Difference:
        place = ": ".join(p for p in (f'table "{self._expected.name}"', label) if p)
        text = f"{place}: {part or aspect} is {_shown(found)}, expected {_shown(expected)}"
        return _difference(aspect, Change.OTHER, self._expected.name, item, text)

    def _absent(self, aspect: str, label: str, item: str) -> Difference:
        text = f'table "{self._expected.name}": {label} is missing'
        return _difference(aspect, Change.MISSING, self._expected.name, item, text)

    def _extra(self, aspect: str, label: str, item: str) -> Difference:
        text = f'table "{self._expected.name}": {label} is not expected'
        return _difference(aspect, Change.EXTRA, self._expected.name, item, text)


_LABELS = {"incoming": "foreign key from", "statistics": "statistics object"}


def _name(item: Any) -> str:
    if isinstance(item, IncomingKey):
        return f"{item.schema}.{item.table}: {item.name}"
    if isinstance(item, Statistics):
        return f"{item.schema}.{item.name}"
    return str(item.name)


def _shown(value: object) -> str:
    if value is None or value in ("", ()):
        return "not set"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return "(" + ", ".join(_shown(item) for item in value) + ")"
    return str(value)
