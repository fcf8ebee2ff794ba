"""enrollment_identity: every row has an identity, and none stands twice in a scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from membership_refactor.checks.check import Check
from membership_refactor.checks.unique_identity import (
    after_constraints,
    before_constraints,
    identity_given,
)
from membership_refactor.planning import Alternative, Stage, UniqueIdentity
from membership_refactor.portrait import Portrait
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.unique_identity import constraints
from membership_refactor.sql.unique_identity.names import IdentityNames
from membership_refactor.sql.unique_identity.psql_indexes import build_index, drop_index
from membership_refactor.steps.actions import Action, Brief, Run, Verify
from membership_refactor.steps.legacy_baseline import wide_table_holds
from membership_refactor.steps.step import Situation, Step

NAME = "enrollment_identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueIndex(Action):
    """Build the unique index of an alternative while writers may bring duplicates.

    With ``gone`` an index that no constraint uses is dropped instead.
    """

    identity: UniqueIdentity
    schema: str
    alternative: Alternative
    gone: bool = False

    @property
    def script(self) -> str:
        """The same as psql text; it tries once."""
        names = IdentityNames(self.identity, self.schema)
        return (drop_index if self.gone else build_index)(names, self.alternative)


def _list_constraints(n: IdentityNames) -> Run:
    return Run(
        key="list_constraints",
        title="Create the list of own constraints",
        statements=constraints.create_made(n),
    )


def _indexes(n: IdentityNames, verb: str) -> tuple[UniqueIndex, ...]:
    """Build or drop the unique index of each alternative."""
    return tuple(
        UniqueIndex(
            key=f"{verb}_index:{alternative.constraint}",
            title=f"{verb.capitalize()} unique index {alternative.constraint}",
            identity=n.plan,
            schema=n.schema,
            alternative=alternative,
            gone=verb == "drop",
        )
        for alternative in n.plan.alternatives
    )


def add_constraints(n: IdentityNames) -> tuple[Action, ...]:
    """The actions that add the CHECK and the unique constraints to a live table."""
    return (
        _list_constraints(n),
        Brief(
            key="add_check",
            title="Add the identity check (NOT VALID)",
            locks=((n.table, Lock.ACCESS_EXCLUSIVE),),
            statements=(constraints.add_check(n),),
            rehearsal=constraints.rehearsal(n),
        ),
        # A row may have come between the first check and the CHECK; none can come any more.
        Verify(
            key="check_rows",
            title="Check that every row has an identity",
            checks=(identity_given(n),),
        ),
        Run(
            key="validate_check",
            title="Validate the identity check",
            statements=(constraints.validate_check(n),),
        ),
        *_indexes(n, "build"),
        Brief(
            key="attach_constraints",
            title="Attach the unique constraints",
            locks=((n.table, Lock.ACCESS_EXCLUSIVE),),
            statements=(constraints.attach(n),),
            rehearsal=constraints.rehearsal(n),
        ),
    )


def drop_constraints(n: IdentityNames) -> tuple[Action, ...]:
    """The actions that drop what ``add_constraints`` added, also if it was interrupted."""
    return (
        _list_constraints(n),
        Brief(
            key="drop_constraints",
            title="Drop the constraints",
            locks=((n.table, Lock.ACCESS_EXCLUSIVE),),
            statements=(constraints.drop_made(n),),
            rehearsal=constraints.rehearsal(n),
        ),
        # An abandoned upgrade may have built an index and not yet attached it.
        *_indexes(n, "drop"),
    )


def step(plan: UniqueIdentity, *, becomes: Callable[[Situation], Portrait]) -> Step:
    """The step for one identity table; ``becomes`` adds its constraints to a portrait."""

    def names(s: Situation) -> IdentityNames:
        return IdentityNames(plan, s.names.schema)

    def up(s: Situation) -> tuple[Action, ...]:
        return add_constraints(names(s))

    def down(s: Situation) -> tuple[Action, ...]:
        return drop_constraints(names(s))

    def before_up(s: Situation) -> tuple[Check, ...]:
        return before_constraints(names(s))

    def after_up(s: Situation) -> tuple[Check, ...]:
        return after_constraints(names(s))

    return Step(
        name=NAME,
        stage=Stage.LEGACY,
        up=up,
        down=down,
        becomes=becomes,
        before_up=before_up,
        after_up=after_up,
        holds=wide_table_holds,
        keeps=after_up,
    )
