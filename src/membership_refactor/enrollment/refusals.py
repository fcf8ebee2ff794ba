"""Turn integrity errors of the database into the exceptions of ``models.refused_writes``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from membership_refactor.enrollment.cursor import rows
from membership_refactor.enrollment.patience import original
from membership_refactor.models.refused_writes import (
    FURTHER_KEY,
    TAKEN,
    EnrollmentRefused,
    ExternalKeyAlreadyEnrolled,
    IdentityMissing,
    IdentityTaken,
    KeyBlank,
    StatusUnknown,
)
from membership_refactor.planning import UniqueIdentity
from membership_refactor.plans.program_enrollment import IDENTITY
from membership_refactor.sql.quoting import columns, ident

# Every translation of the server's message has these brackets.
_DETAIL = re.compile(r"\((?P<columns>.*?)\)=\((?P<values>.*)\)", re.DOTALL)


@contextmanager
def refusals(
    work: Session | Connection, plan: UniqueIdentity = IDENTITY, *, schema: str | None = None
) -> Iterator[None]:
    """Run the block in a savepoint; a refused row raises an error of ``models.refused_writes``.

    The error names the row that is in the way. After it the transaction can go on: the savepoint
    was rolled back. It works for the unit of work and for bulk statements.
    """
    try:
        with work.begin_nested():
            yield
            if isinstance(work, Session):
                work.flush()
    except IntegrityError as error:
        connection = work.connection() if isinstance(work, Session) else work
        refused = explained(connection, plan, error, schema=schema)
        if refused is None:
            raise
        raise refused from error


def explained(
    connection: Connection,
    plan: UniqueIdentity,
    error: IntegrityError,
    *,
    schema: str | None = None,
) -> EnrollmentRefused | None:
    """Return the error for a refused row; None if the constraint is not one of the plan.

    The savepoint must have been rolled back, because this reads the row that is in the way.
    """
    cause = original(error)
    if not isinstance(cause, psycopg.Error):
        return None
    constraint = cause.diag.constraint_name or ""
    if constraint == plan.required:
        return IdentityMissing(plan.table, constraint)
    if constraint == plan.status_check:
        return StatusUnknown(plan.table, constraint)
    if constraint == FURTHER_KEY and plan is IDENTITY:
        values = _parsed(("identity_id", *plan.scope), cause.diag.message_detail or "")
        existing = _holder(connection, plan, values, schema) if values else None
        return ExternalKeyAlreadyEnrolled(plan.table, constraint, values, existing)
    for alternative in plan.alternatives:
        if constraint == plan.blank_check(alternative):
            return KeyBlank(plan.table, constraint)
        if constraint == alternative.constraint:
            detail = cause.diag.message_detail or ""
            values = _values(plan, alternative.column, detail)
            existing = _existing(connection, plan, values, schema) if values else None
            return TAKEN.get(constraint, IdentityTaken)(plan.table, constraint, values, existing)
    return None


def _values(plan: UniqueIdentity, column: str, detail: str) -> dict[str, str]:
    """Return the refused values as the server prints them; empty if it does not show them.

    The identity comes first and may contain a comma, so the values are split from the right.
    """
    return _parsed((column, *plan.scope), detail)


def _parsed(names: tuple[str, ...], detail: str) -> dict[str, str]:
    found = _DETAIL.search(detail)
    if not found:
        return {}
    rest = len(names) - 1
    values = found["values"].rsplit(", ", rest) if rest else [found["values"]]
    return dict(zip(names, values, strict=True)) if len(values) == len(names) else {}


def _holder(
    connection: Connection, plan: UniqueIdentity, values: dict[str, str], schema: str | None
) -> dict[str, Any] | None:
    """Return the enrollment that has the key as a further key."""
    prefix = f"{ident(schema)}." if schema else ""
    condition = " AND ".join(f"k.{ident(c)} = ${at}" for at, c in enumerate(values, start=1))
    found = rows(
        connection,
        f"SELECT {columns((plan.id, *plan.identity_columns), 'e.')}\n"
        f"FROM {prefix}enrollment_key AS k\n"
        f"JOIN {prefix}{ident(plan.table)} AS e ON e.{ident(plan.id)} = k.enrollment_id\n"
        f"WHERE {condition}",
        *values.values(),
    )
    return dict(zip((plan.id, *plan.identity_columns), found[0], strict=True)) if found else None


def _existing(
    connection: Connection, plan: UniqueIdentity, values: dict[str, str], schema: str | None
) -> dict[str, Any] | None:
    carried = (plan.id, *plan.identity_columns, *plan.scope)
    if plan.status:
        carried = (*carried, plan.status.column)
    table = f"{ident(schema)}.{ident(plan.table)}" if schema else ident(plan.table)
    condition = " AND ".join(f"{ident(c)} = ${at}" for at, c in enumerate(values, start=1))
    found = rows(
        connection,
        f"SELECT {columns(carried)} FROM {table} WHERE {condition}",
        *values.values(),
    )
    return dict(zip(carried, found[0], strict=True)) if found else None
