"""Find duplicates and other faults of a table of any size, in one query; scope by scope here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from membership_refactor.enrollment import collide
from membership_refactor.enrollment.cursor import Row, rows, stream
from membership_refactor.enrollment.duplicate_findings import Finding, Kind, Member, classify
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.unique_identity.detection import column_types, troubled_rows
from membership_refactor.sql.unique_identity.names import IdentityNames

SETTINGS = (
    "SET LOCAL work_mem = '64MB'",
    # To sort a million eight-byte hashes takes half as long as to hash them again, and a sort that
    # goes to disk does no harm.
    "SET LOCAL enable_hashagg = off",
    # Compiling the statement takes longer than a million rows need.
    "SET LOCAL jit = off",
    # All rows are fetched. A plan for only the first tenth would sort instead of hash.
    "SET LOCAL cursor_tuple_fraction = 1",
    # Row security could hide rows, and the table would look clean. PostgreSQL refuses instead.
    "SET LOCAL row_security = off",
)


@dataclass(frozen=True, slots=True)
class Troubled:
    """One row of the query: its values, and the first rows with the same or similar ones."""

    number: int
    """The number of its scope."""
    member: Member
    scope: tuple[Any, ...]
    alike: tuple[Any, ...]
    padded: tuple[bool, ...]
    blank: tuple[bool, ...]


_SCOPE = attrgetter("number")


def findings(
    connection: Connection, plan: UniqueIdentity, schema: str, *, collisions: bool = True
) -> Iterator[Finding]:
    """Yield every finding, scope by scope. Nothing is written.

    The connection stays in a transaction until the last one is read. At any time memory holds the
    findings of one scope only.
    """
    names = IdentityNames(plan, schema)
    for setting in SETTINGS:
        rows(connection, setting)
    types = {column: kind for column, kind in rows(connection, column_types(names))}
    found = (
        finding
        for _, scope in groupby(
            (_read(plan, row) for row in stream(connection, troubled_rows(names, types))),
            key=_SCOPE,
        )
        for finding in _of_scope(plan, list(scope))
    )
    if not (collisions and plan.dependents):
        yield from found
        return
    # Read the dependent rows of many findings at once.
    while some := list(islice(found, 1000)):
        yield from _with_collisions(connection, names, some)


def components(scope: Sequence[Member]) -> list[list[Member]]:
    """Group the rows of one scope that share identities; single rows are left out."""
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


def _of_scope(plan: UniqueIdentity, scope: list[Troubled]) -> Iterator[Finding]:
    for members in components([row.member for row in scope]):
        yield Finding(classify(members), scope[0].scope, tuple(members))
    yield from _spellings(plan, scope)
    for row in scope:
        yield from _alone(plan, row)


def _with_collisions(
    connection: Connection, names: IdentityNames, found: list[Finding]
) -> list[Finding]:
    ids = [i for f in found if f.kind is Kind.MERGEABLE for i in f.ids]
    if not ids:
        return found
    families = collide.families(connection, names, ids)
    return [
        _with_family(finding, families) if families.of.keys() & finding.ids else finding
        for finding in found
    ]


def _with_family(finding: Finding, families: collide.Families) -> Finding:
    if finding.kind is not Kind.MERGEABLE:
        return finding
    members = tuple(
        Member(m.id, m.identities, m.same, m.status, families.count(m.id)) for m in finding.members
    )
    # Children of one parent cannot collide: the unique key forbids it.
    several = sum(member.children > 0 for member in members) > 1
    collisions = families.collisions(finding.ids) if several else ()
    return Finding(finding.kind, finding.scope, members, finding.detail, collisions)


def _spellings(plan: UniqueIdentity, scope: list[Troubled]) -> Iterator[Finding]:
    for at, alternative in enumerate(plan.alternatives):
        if not alternative.text:
            continue
        groups: dict[Any, list[Troubled]] = {}
        for row in scope:
            if row.alike[at] is not None:
                groups.setdefault(row.alike[at], []).append(row)
        for group in groups.values():
            if len({row.member.same[at] for row in group}) > 1:
                spelled = sorted({repr(str(row.member.identities[at])) for row in group})
                detail = f"{alternative.column}: {', '.join(spelled)}"
                members = tuple(row.member for row in group)
                yield Finding(Kind.SPELLINGS, group[0].scope, members, detail)


def _alone(plan: UniqueIdentity, row: Troubled) -> Iterator[Finding]:
    members = (row.member,)
    if all(value is None for value in row.member.identities):
        yield Finding(Kind.UNIDENTIFIED, row.scope, members)
    for at, (padded, blank) in enumerate(zip(row.padded, row.blank, strict=True)):
        alternative = plan.alternatives[at]
        detail = f"{alternative.column}: {str(row.member.identities[at])!r}"
        if blank:
            yield Finding(Kind.BLANK, row.scope, members, detail, identity=alternative)
        elif padded:
            yield Finding(Kind.PADDED, row.scope, members, detail)
    if plan.status and row.member.status not in plan.status.order:
        yield Finding(
            Kind.STATUS, row.scope, members, f"{plan.status.column}: {row.member.status!r}"
        )


def _read(plan: UniqueIdentity, row: Row) -> Troubled:
    # This runs once per row, a million times for a bad table: no loop over the columns.
    width = len(plan.alternatives)
    first = 2 + width
    scope = first + len(plan.scope)
    same = scope + 1 + width
    padded = same + width
    member = Member(row[1], row[2:first], row[scope + 1 : same], row[scope])
    alike, blank = row[same:padded], row[padded + width :]
    around = row[padded : padded + width]
    return Troubled(row[0], member, row[first:scope], alike, around, blank)
