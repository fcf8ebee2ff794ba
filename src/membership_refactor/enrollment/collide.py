"""Decide what happens to the dependent rows of rows that are merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from membership_refactor.enrollment.cursor import values
from membership_refactor.enrollment.duplicate_findings import Collision
from membership_refactor.planning import Dependent, Keep
from membership_refactor.sql.unique_identity.detection import dependents_of
from membership_refactor.sql.unique_identity.names import IdentityNames


@dataclass(frozen=True, slots=True)
class Child:
    """One dependent row with its own dependent rows."""

    dependent: Dependent
    id: Any
    parent: Any
    unique: tuple[Any, ...]
    unite: tuple[Any, ...]
    rank: Any
    image: str
    """The whole row as PostgreSQL's JSON text; parsing it in Python could lose digits."""
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """The row gets another parent, or values of a row that it replaces."""

    child: Child
    parent: Any
    values: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """The row is deleted; row ``by`` replaces it."""

    child: Child
    by: Any


@dataclass(slots=True)
class Resolution:
    """The changes, in an order that breaks no unique key and no foreign key."""

    steps: list[Move | Removal] = field(default_factory=list)
    collisions: list[Collision] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return all(collision.agree for collision in self.collisions)


@dataclass(frozen=True, slots=True)
class Families:
    """The dependent rows of some parents, by parent."""

    of: dict[Any, tuple[Child, ...]]

    def count(self, parent: Any) -> int:
        """Return how many rows depend on it, at any depth."""
        return _size(self.of.get(parent, ()))

    def pooled(self, parents: Iterable[Any]) -> tuple[Child, ...]:
        return tuple(child for parent in parents for child in self.of.get(parent, ()))

    def collisions(self, parents: Sequence[Any]) -> tuple[Collision, ...]:
        """Return which of their rows would collide if the parents became one row."""
        return tuple(_collisions(self.pooled(parents)))


def families(
    connection: Connection, names: IdentityNames, parents: Sequence[Any], *, lock: bool = False
) -> Families:
    """Read the dependent rows of ``parents``; with ``lock``, lock them in the order of ids."""
    found: dict[Any, list[Child]] = {}
    for dependent in names.plan.dependents:
        for child in _load(connection, names, dependent, parents, lock):
            found.setdefault(child.parent, []).append(child)
    return Families({parent: tuple(children) for parent, children in found.items()})


def resolve(children: Sequence[Child], parent: Any) -> Resolution:
    """Return how all ``children`` get the parent ``parent`` without two of one unique key."""
    resolution = Resolution(collisions=list(_collisions(children)))
    _resolve(children, parent, resolution.steps)
    return resolution


def _resolve(children: Iterable[Child], parent: Any, steps: list[Move | Removal]) -> None:
    for groups in _colliding(children):
        removals: list[Removal] = []
        moves: list[Move] = []
        for group in groups:
            kept = min(group, key=lambda child: _preference(child, parent))
            values = _united(group, kept)
            if len(group) > 1:
                _resolve((c for child in group for c in child.children), kept.id, steps)
                removals += [Removal(child, kept.id) for child in group if child is not kept]
            if values or kept.parent != parent:
                moves.append(Move(kept, parent, values))
        # A kept row may change its parent: the row it collides with is deleted before that.
        steps += removals
        steps += moves


def _collisions(children: Iterable[Child]) -> Iterator[Collision]:
    for groups in _colliding(children):
        for group in groups:
            if len(group) > 1:
                first = group[0]
                ids = tuple(sorted(child.id for child in group))
                yield Collision(first.dependent.table, first.unique, ids, _agree(group))
                yield from _collisions(c for child in group for c in child.children)


def _colliding(children: Iterable[Child]) -> Iterable[Iterable[Sequence[Child]]]:
    """Return for each table the groups of rows with the same unique key."""
    tables: dict[str, dict[Any, list[Child]]] = {}
    for child in children:
        dependent = child.dependent
        # A unique key with a NULL collides with nothing.
        collides = dependent.unique is not None and None not in child.unique
        key = child.unique if collides else ("alone", id(child))
        tables.setdefault(dependent.table, {}).setdefault(key, []).append(child)
    return [groups.values() for groups in tables.values()]


def _preference(child: Child, parent: Any) -> tuple[Any, ...]:
    ranking = child.dependent.ranking
    missing = sum(value is None for value in child.unite)
    return (missing, ranking.rank(child.rank) if ranking else 0, child.parent != parent, child.id)


def _agree(group: Sequence[Child]) -> bool:
    """Whether each column has at most one value in the group."""
    for column in zip(*(child.unite for child in group), strict=True):
        given = [_comparable(value) for value in column if value is not None]
        if any(value != given[0] for value in given[1:]):
            return False
    return True


def _united(group: Sequence[Child], kept: Child) -> tuple[tuple[str, Any], ...]:
    """Return the values that ``kept`` gets from the others."""
    dependent = kept.dependent
    values: list[tuple[str, Any]] = []
    for at, column in enumerate(dependent.unite):
        if kept.unite[at] is None:
            given = [child.unite[at] for child in group if child.unite[at] is not None]
            values += [(column, value) for value in given[:1]]
    ranking = dependent.ranking
    if ranking and ranking.keep is Keep.BEST:
        best = min((child.rank for child in group), key=ranking.rank)
        if ranking.rank(best) < ranking.rank(kept.rank):
            values.append((ranking.column, best))
    return tuple(values)


def _load(
    connection: Connection,
    names: IdentityNames,
    dependent: Dependent,
    parents: Sequence[Any],
    lock: bool,
) -> list[Child]:
    if not parents:
        return []
    read = values(connection, dependents_of(names, dependent, lock=lock), list(parents))
    below: dict[Any, list[Child]] = {}
    for deeper in dependent.dependents:
        for child in _load(connection, names, deeper, [row[0] for row in read], lock):
            below.setdefault(child.parent, []).append(child)
    unique, unite = len(dependent.unique_columns), len(dependent.unite)
    return [
        Child(
            dependent=dependent,
            id=row[0],
            parent=row[1],
            unique=tuple(map(_comparable, row[2 : 2 + unique])),
            unite=tuple(row[2 + unique : 2 + unique + unite]),
            rank=row[2 + unique + unite] if dependent.ranking else None,
            image=row[-1] or "",
            children=tuple(below.get(row[0], ())),
        )
        for row in read
    ]


def _comparable(value: Any) -> Any:
    """Return the value in a form that equals itself, as in PostgreSQL: NaN does not in Python."""
    if isinstance(value, list):
        return tuple(value)
    return str(value) if isinstance(value, Decimal) and value.is_nan() else value


def _size(children: Iterable[Child]) -> int:
    return sum(1 + _size(child.children) for child in children)
