"""0002: every row has one of its identities, and none of them stands twice in a scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from membership_refactor.checks.check import Check
from membership_refactor.checks.unique_identity import (
    after_constraints,
    before_constraints,
    identity_given,
)
from membership_refactor.planning import Alternative, UniqueIdentity
from membership_refactor.portrait import Portrait
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.unique_identity import constraints
from membership_refactor.sql.unique_identity.names import IdentityNames
from membership_refactor.sql.unique_identity.psql_indexes import build_index, drop_index
from membership_refactor.steps.actions import Action, Brief, Run, Verify
from membership_refactor.steps.step import Situation, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueIndex(Action):
    """The unique index of an alternative stands, built while writers bring duplicates; or, where
    ``gone``, no index is left that no constraint holds."""

    identity: UniqueIdentity
    schema: str
    alternative: Alternative
    gone: bool = False

    @property
    def script(self) -> str:
        """The same as psql text, tried once."""
        names = IdentityNames(self.identity, self.schema)
        return (drop_index if self.gone else build_index)(names, self.alternative)


def step(plan: UniqueIdentity, *, becomes: Callable[[Situation], Portrait]) -> Step:
    """The step for one identity table; ``becomes`` adds its constraints to a portrait."""

    def names(s: Situation) -> IdentityNames:
        return IdentityNames(plan, s.names.schema)

    def up(s: Situation) -> tuple[Action, ...]:
        n = names(s)
        return (
            Run(name="list of own constraints", statements=constraints.create_made(n)),
            Brief(
                name="refuse rows without identity",
                locks=((n.table, Lock.ACCESS_EXCLUSIVE),),
                statements=(constraints.add_check(n),),
                rehearsal=constraints.rehearsal(n),
            ),
            # One may have come between the first look and the CHECK; none comes any more.
            Verify(name="no row is without identity", checks=(identity_given(n),)),
            Run(name="validate the CHECK", statements=(constraints.validate_check(n),)),
            *(
                UniqueIndex(
                    name=f"build {alternative.constraint}",
                    identity=plan,
                    schema=n.schema,
                    alternative=alternative,
                )
                for alternative in plan.alternatives
            ),
            Brief(
                name="attach the unique constraints",
                locks=((n.table, Lock.ACCESS_EXCLUSIVE),),
                statements=(constraints.attach(n),),
                rehearsal=constraints.rehearsal(n),
            ),
        )

    def down(s: Situation) -> tuple[Action, ...]:
        n = names(s)
        return (
            Run(name="list of own constraints", statements=constraints.create_made(n)),
            Brief(
                name="drop the constraints",
                locks=((n.table, Lock.ACCESS_EXCLUSIVE),),
                statements=(constraints.drop_made(n),),
                rehearsal=constraints.rehearsal(n),
            ),
            # What an upgrade had built and not yet attached when it was abandoned.
            *(
                UniqueIndex(
                    name=f"drop {alternative.constraint}",
                    identity=plan,
                    schema=n.schema,
                    alternative=alternative,
                    gone=True,
                )
                for alternative in plan.alternatives
            ),
        )

    def before_up(s: Situation) -> tuple[Check, ...]:
        return before_constraints(names(s))

    def after_up(s: Situation) -> tuple[Check, ...]:
        return after_constraints(names(s))

    return Step(
        revision="0002",
        name="enrollment_identity",
        up=up,
        down=down,
        becomes=becomes,
        before_up=before_up,
        after_up=after_up,
    )
