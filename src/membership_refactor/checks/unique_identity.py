"""Checks before and after the constraints of a UniqueIdentity are added."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.planning import Alternative
from membership_refactor.sql.unique_identity.constraints import (
    differing_constraints,
    missing_constraints,
    unfit_table,
)
from membership_refactor.sql.unique_identity.detection import (
    blank_rows,
    duplicate_keys,
    unidentified_rows,
)
from membership_refactor.sql.unique_identity.names import IdentityNames

_LOOK = "`membership-refactor duplicates` shows them"


def before_constraints(names: IdentityNames) -> tuple[Check, ...]:
    """Checks whose failures a DBA has to resolve first."""
    return (
        Check(
            name="identity table fits",
            sentence=f"{names.table} is an ordinary table and has the columns of the plan",
            query=unfit_table(names),
            reach=Reach.CATALOG,
            hint="On a partitioned table, create the unique index of each partition by hand.",
        ),
        Check(
            name="identity constraints are free",
            sentence="no constraint with another definition has a name that the plan uses",
            query=differing_constraints(names),
            reach=Reach.CATALOG,
            hint="Rename or drop it, or give the plan other names.",
        ),
        *(identity_not_blank(names, alternative) for alternative in names.plan.alternatives),
        identity_given(names),
        *(identity_unique(names, alternative) for alternative in names.plan.alternatives),
    )


def identity_given(names: IdentityNames) -> Check:
    """Every row has an identity."""
    listed = " or ".join(names.plan.identity_columns)
    return Check(
        name=f"{names.plan.table} has an identity",
        sentence=f"every row of {names.plan.table} has {listed}",
        query=unidentified_rows(names),
        hint=f"{_LOOK}. `membership-refactor merge-duplicates --label PREFIX --apply` gives each a "
        "key of its own, or delete them.",
    )


def identity_not_blank(names: IdentityNames, alternative: Alternative) -> Check:
    """No value of the alternative is blank or a word that the plan lists as no identity."""
    column = alternative.column
    return Check(
        name=f"{names.plan.table}.{column} is not blank",
        sentence=f"no {column} of {names.plan.table} is blank or a word for a missing identity",
        query=blank_rows(names, alternative),
        hint=f"Such a value identifies nobody. Make it NULL: {names.clear_blanks(alternative)};",
    )


def identity_unique(names: IdentityNames, alternative: Alternative) -> Check:
    """No value of the alternative occurs twice within a scope."""
    scope = ", ".join(names.plan.scope)
    within = f" within one ({scope})" if scope else ""
    return Check(
        name=f"{alternative.constraint} can stand",
        sentence=f"no {alternative.column} occurs twice in {names.plan.table}{within}",
        query=duplicate_keys(names, alternative),
        hint=f"{_LOOK}. `membership-refactor merge-duplicates --apply` unites those that do not "
        "contradict each other, the rest is for a person to decide.",
    )


def after_constraints(names: IdentityNames) -> tuple[Check, ...]:
    """The constraints exist and are valid."""
    return (
        Check(
            name="identity constraints stand",
            sentence=f"the CHECK and the unique constraints of {names.plan.table} are valid",
            query=missing_constraints(names),
            reach=Reach.CATALOG,
            hint="Run `alembic upgrade` again.",
        ),
    )
