"""Decide which row survives a merge, and which values and dependent rows it gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from membership_refactor.enrollment.collide import Families, Resolution, resolve
from membership_refactor.enrollment.duplicate_findings import Kind, Member, classify
from membership_refactor.planning import Keep, SurvivorRule, UniqueIdentity


@dataclass(frozen=True, slots=True)
class Decision:
    """One merge: ``survivor`` gets the values and dependent rows of ``losers``."""

    survivor: Member
    losers: tuple[Member, ...]
    values: tuple[tuple[str, Any], ...]
    """The columns of the survivor that change."""
    resolution: Resolution


@dataclass(frozen=True, slots=True)
class Undecided:
    """Rows that are not merged, and the reason."""

    ids: tuple[Any, ...]
    reason: str


def decide(
    plan: UniqueIdentity,
    members: Sequence[Member],
    families: Families,
    *,
    chosen: Any = None,
) -> Decision | Undecided:
    """Return how the rows become one row, or the reason why a person has to decide.

    The row with the id ``chosen`` survives; without it, the one that the plan's rules prefer.
    """
    ids = tuple(member.id for member in members)
    if classify(members) is Kind.CONTRADICTORY:
        return Undecided(ids, f"they name two values of {_contradiction(plan, members)}")
    survivor = min(
        members,
        key=lambda member: (member.id != chosen, _preference(plan, member, families)),
    )
    losers = tuple(member for member in members if member is not survivor)
    resolution = resolve(families.pooled(ids), survivor.id)
    if not resolution.agrees:
        first = next(c for c in resolution.collisions if not c.agree)
        where = f"{first.table} {', '.join(str(i) for i in first.ids)}"
        return Undecided(ids, f"of their dependent rows ({where}) only one could keep its value")
    return Decision(survivor, losers, _taken_over(plan, survivor, losers), resolution)


def _preference(plan: UniqueIdentity, member: Member, families: Families) -> tuple[Any, ...]:
    answers: dict[SurvivorRule, Any] = {
        SurvivorRule.REALISED: not member.has(0),
        SurvivorRule.STATUS: plan.status.rank(member.status) if plan.status else 0,
        SurvivorRule.CHILDREN: -families.count(member.id),
        SurvivorRule.OLDEST: member.id,
    }
    return tuple(answers[rule] for rule in plan.survivor)


def _taken_over(
    plan: UniqueIdentity, survivor: Member, losers: Sequence[Member]
) -> tuple[tuple[str, Any], ...]:
    values: list[tuple[str, Any]] = []
    for at, column in enumerate(plan.identity_columns):
        if not survivor.has(at):
            given = [m.identities[at] for m in losers if m.has(at)]
            values += [(column, value) for value in given[:1]]
    if plan.status and plan.status.keep is Keep.BEST:
        best = min((m.status for m in (survivor, *losers)), key=plan.status.rank)
        if plan.status.rank(best) < plan.status.rank(survivor.status):
            values.append((plan.status.column, best))
    return tuple(values)


def _contradiction(plan: UniqueIdentity, members: Sequence[Member]) -> str:
    return " and of ".join(
        column
        for at, column in enumerate(plan.identity_columns)
        if len({member.same[at] for member in members} - {None}) > 1
    )
