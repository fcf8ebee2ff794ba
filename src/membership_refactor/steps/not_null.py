"""NOT NULL on columns in use, by way of a validated CHECK: no table is read under a lock."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.sql.ddl.constraints import validate_constraint
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.step import Situation


def set_not_null(
    s: Situation, what: str, columns: Iterable[str], *, relaxed: Iterable[str] = ()
) -> tuple[Action, ...]:
    """``columns`` of the copy are NOT NULL afterwards, and ``relaxed`` no longer; ``what`` they are
    together stands in the actions' names. ACCESS EXCLUSIVE twice, each time for a moment."""
    copy, check = s.names.copy, ident(s.names.link_check_name)
    columns = [ident(c) for c in columns]
    condition = " AND ".join(f"{c} IS NOT NULL" for c in columns)
    changes = [f"ALTER COLUMN {c} SET NOT NULL" for c in columns]
    changes += [f"ALTER COLUMN {ident(c)} DROP NOT NULL" for c in relaxed]
    locks = ((copy, Lock.ACCESS_EXCLUSIVE),)
    return (
        Brief(
            name=f"ask that the {what} is set",
            locks=locks,
            statements=(
                Statement(
                    f"ALTER TABLE {copy} DROP CONSTRAINT IF EXISTS {check}, "
                    f"ADD CONSTRAINT {check} CHECK ({condition}) NOT VALID"
                ),
            ),
        ),
        Run(
            name=f"validate that the {what} is set",
            statements=(validate_constraint(s.names.schema, s.plan.copy, s.names.link_check_name),),
        ),
        Brief(
            name=f"{what} is NOT NULL",
            locks=locks,
            statements=(
                # The validated CHECK proves it, so SET NOT NULL does not scan under its lock.
                Statement(f"ALTER TABLE {copy} {', '.join(changes)}"),
                Statement(f"ALTER TABLE {copy} DROP CONSTRAINT {check}"),
            ),
        ),
    )
