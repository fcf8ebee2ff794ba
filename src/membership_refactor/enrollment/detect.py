"""Finds the trouble of a table of any size: one pass in the database, one scope at a time here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from membership_refactor.enrollment import collide
from membership_refactor.enrollment.cursor import Row, rows, stream
from membership_refactor.enrollment.findings import Finding, Kind, Member, classify
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.unique_identity.detection import troubled_rows
from membership_refactor.sql.unique_identity.names import IdentityNames

SETTINGS = (
    "SET LOCAL work_mem = '64MB'",
    # Compiling the statement takes longer than a million rows need.
    "SET LOCAL jit = off",
    # All rows are fetched: a plan for the first tenth of them would sort instead of hash.
    "SET LOCAL cursor_tuple_fraction = 1",
    # Under row security a filtered view would call a table clean; PostgreSQL refuses instead.
    "SET LOCAL row_security = off",
)


@dataclass(frozen=True, slots=True)
class Troubled:
    """One row of the pass: its values, and the first rows that share or resemble them."""

    id: Any
    identities: tuple[Any, ...]
    scope: tuple[Any, ...]
    status: str | None
    same: tuple[Any, ...]
    alike: tuple[Any, ...]
    padded: tuple[bool, ...]

    @property
    def member(self) -> Member:
        return Member(self.id, self.identities, self.same, self.status)


def findings(
    connection: Connection, plan: UniqueIdentity, schema: str, *, collisions: bool = True
) -> Iterator[Finding]:
    """Every finding, scope by scope; the connection is in a transaction until the last is taken.

    Memory is needed for the trouble of one scope, not for the table. Nothing is written.
    """
    names = IdentityNames(plan, schema)
    for setting in SETTINGS:
        rows(connection, setting)
    scope: list[Troubled] = []
    for row in stream(connection, troubled_rows(names)):
        troubled = _read(plan, row)
        if scope and scope[0].scope != troubled.scope:
            yield from _of_scope(connection, names, scope, collisions)
            scope = []
        scope.append(troubled)
    if scope:
        yield from _of_scope(connection, names, scope, collisions)


def components(scope: Sequence[Member]) -> list[list[Member]]:
    """The rows of one scope that hang together by equal identities; single rows are left out."""
    parent: dict[Any, Any] = {row.id: row.id for row in scope}

    def root(of: Any) -> Any:
        while parent[of] != of:
            parent[of] = parent[parent[of]]
            of = parent[of]
        return of

    for row in scope:
        for first in row.same:
            if first is not None:
                parent[root(row.id)] = root(first)
    together: dict[Any, list[Member]] = {}
    for row in scope:
        together.setdefault(root(row.id), []).append(row)
    return [component for component in together.values() if len(component) > 1]


def _of_scope(
    connection: Connection, names: IdentityNames, scope: list[Troubled], collisions: bool
) -> Iterator[Finding]:
    found = [
        Finding(classify(members), scope[0].scope, tuple(members))
        for members in components([row.member for row in scope])
    ]
    if collisions and names.plan.dependents:
        found = _with_collisions(connection, names, found)
    yield from found
    yield from _spellings(names.plan, scope)
    for row in scope:
        yield from _alone(names.plan, row)


def _with_collisions(
    connection: Connection, names: IdentityNames, found: list[Finding]
) -> list[Finding]:
    ids = [i for f in found if f.kind is Kind.MERGEABLE for i in f.ids]
    if not ids:
        return found
    families = collide.families(connection, names, ids)
    return [
        replace(
            finding,
            members=tuple(
                replace(member, children=families.count(member.id)) for member in finding.members
            ),
            collisions=families.collisions(finding.ids),
        )
        if finding.kind is Kind.MERGEABLE
        else finding
        for finding in found
    ]


def _spellings(plan: UniqueIdentity, scope: list[Troubled]) -> Iterator[Finding]:
    for at, alternative in enumerate(plan.alternatives):
        if not alternative.text:
            continue
        groups: dict[Any, list[Troubled]] = {}
        for row in scope:
            if row.alike[at] is not None:
                groups.setdefault(row.alike[at], []).append(row)
        for group in groups.values():
            if len({row.same[at] for row in group}) > 1:
                spelled = sorted({repr(str(row.identities[at])) for row in group})
                detail = f"{alternative.column}: {', '.join(spelled)}"
                members = tuple(row.member for row in group)
                yield Finding(Kind.SPELLINGS, group[0].scope, members, detail)


def _alone(plan: UniqueIdentity, row: Troubled) -> Iterator[Finding]:
    members = (row.member,)
    if all(value is None for value in row.identities):
        yield Finding(Kind.UNIDENTIFIED, row.scope, members)
    for at, padded in enumerate(row.padded):
        if padded:
            detail = f"{plan.alternatives[at].column}: {str(row.identities[at])!r}"
            yield Finding(Kind.PADDED, row.scope, members, detail)
    if plan.status and row.status not in plan.status.order:
        yield Finding(Kind.STATUS, row.scope, members, f"{plan.status.column}: {row.status!r}")


def _read(plan: UniqueIdentity, row: Row) -> Troubled:
    width, scope = len(plan.alternatives), len(plan.scope)
    parts = iter(row)

    def take(count: int) -> tuple[Any, ...]:
        return tuple(next(parts) for _ in range(count))

    return Troubled(
        id=next(parts),
        identities=take(width),
        scope=take(scope),
        status=next(parts),
        same=take(width),
        alike=take(width),
        padded=take(width),
    )
