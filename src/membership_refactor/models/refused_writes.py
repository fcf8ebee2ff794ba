"""Errors for refused writes of enrollments; each names the constraint and the row in the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from membership_refactor.errors import RefactorError


class EnrollmentRefused(RefactorError):
    """A row breaks a constraint of the identity table."""

    def __init__(
        self, table: str, constraint: str, message: str, *, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.table = table
        self.constraint = constraint


class IdentityTaken(EnrollmentRefused):
    """Another row has the identity in this scope.

    ``existing`` is that row, or None where the transaction cannot see it: its snapshot is older
    than the row, and the transaction has to be run again to see what to do.
    """

    def __init__(
        self,
        table: str,
        constraint: str,
        values: Mapping[str, str],
        existing: Mapping[str, Any] | None,
    ) -> None:
        self.values = dict(values)
        self.existing = dict(existing) if existing is not None else None
        said = ", ".join(f"{column} {value}" for column, value in self.values.items())
        where = (
            f"row {next(iter(self.existing.values()))} has it"
            if self.existing
            else "by a row that this transaction does not see"
        )
        super().__init__(
            table,
            constraint,
            f"{table}: {said} is taken already ({constraint}); {where}.",
            hint="Update that row, or link it."
            if self.existing
            else "Run the transaction again: it will see the row.",
        )


class UserAlreadyEnrolled(IdentityTaken):
    """The user has an enrollment in this program and curriculum."""


class ExternalKeyAlreadyEnrolled(IdentityTaken):
    """The external key has an enrollment in this program and curriculum."""


class IdentityMissing(EnrollmentRefused):
    """A row would have no identity."""

    def __init__(self, table: str, constraint: str) -> None:
        super().__init__(
            table,
            constraint,
            f"{table}: a row needs at least one identity ({constraint}).",
            hint="Give a user or an external key.",
        )


class KeyBlank(EnrollmentRefused):
    """A key is empty or has blanks around it."""

    def __init__(self, table: str, constraint: str, key: str | None = None) -> None:
        said = "a key" if key is None else f"the key {key!r}"
        super().__init__(
            table,
            constraint,
            f"{table}: {said} is empty or has blanks around it ({constraint}).",
            hint="Strip it, or leave it out.",
        )


class StatusUnknown(EnrollmentRefused):
    """A status that the plan does not list."""

    def __init__(self, table: str, constraint: str, status: object = None) -> None:
        said = "a status" if status is None else f"the status {status!r}"
        super().__init__(
            table, constraint, f"{table}: {said} is not one of the known ones ({constraint})."
        )


class RunAgain(RefactorError):
    """A transaction met what its snapshot cannot see; run again it will see it."""


FURTHER_KEY = "uq_enrollment_key_identity"
"""Where several keys are in use: the key is one of another enrollment's."""

TAKEN: dict[str, type[IdentityTaken]] = {
    "uq_program_enrollment_user": UserAlreadyEnrolled,
    "uq_program_enrollment_key": ExternalKeyAlreadyEnrolled,
}
"""By constraint; a constraint of another table raises IdentityTaken itself."""
