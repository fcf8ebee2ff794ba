"""Errors of plans, and what every name in a plan is asked for."""

from __future__ import annotations

from membership_refactor.errors import PlanError

MAX_IDENTIFIER_BYTES = 63
"""PostgreSQL silently cuts longer names (NAMEDATALEN - 1)."""


def wrong(plan: str, what: str) -> PlanError:
    """The error of the plan of that name."""
    return PlanError(f'plan "{plan}": {what}')


def require_name(plan: str, field: str, value: str) -> None:
    """Raise PlanError where the value cannot be a name in PostgreSQL."""
    if not value or "\0" in value:
        raise wrong(plan, f"{field} is empty or contains a NUL. Give it a name.")
    if len(value.encode()) > MAX_IDENTIFIER_BYTES:
        raise wrong(
            plan,
            f'{field} "{value}" is longer than {MAX_IDENTIFIER_BYTES} bytes. Choose a shorter '
            "name.",
        )
