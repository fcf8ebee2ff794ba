"""Errors for refused writes of enrollments; each names the constraint and the row in the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from membership_refactor.errors import RefactorError

NO_KEY = "is empty, has blanks around it, or is a word for a missing key"


class EnrollmentRefused(RefactorError):
    """Raised when a row breaks a constraint of the identity table."""

    def __init__(
        self, table: str, constraint: str, message: str, *, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.table = table
        self.constraint = constraint


class IdentityTaken(EnrollmentRefused):
    """Raised when another row has the identity in this scope.

    ``existing`` is that row. It is None if the transaction's snapshot is older than the row; then
    run the transaction again.
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
            else "a newer row has it, which this transaction does not see"
        )
        super().__init__(
            table,
            constraint,
            f"{table}: {said} is taken already ({constraint}); {where}.",
            hint="Update that row, or link it."
            if self.existing
            else "Run the transaction again; then it sees the row.",
        )


class UserAlreadyEnrolled(IdentityTaken):
    """Raised when the user already has an enrollment in this program and curriculum."""


class ExternalKeyAlreadyEnrolled(IdentityTaken):
    """Raised when the external key already has an enrollment in this program and curriculum."""


class IdentityMissing(EnrollmentRefused):
    """Raised when a row has no identity."""

    def __init__(self, table: str, constraint: str) -> None:
        super().__init__(
            table,
            constraint,
            f"{table}: a row needs at least one identity ({constraint}).",
            hint="Give a user or an external key.",
        )


class KeyBlank(EnrollmentRefused):
    """Raised when a key is empty, has surrounding blanks, or is a word for a missing key."""

    def __init__(self, table: str, constraint: str, key: str | None = None) -> None:
        said = "a key" if key is None else f"the key {key!r}"
        super().__init__(
            table,
            constraint,
            f"{table}: {said} {NO_KEY} ({constraint}).",
            hint="Strip the key, or leave it out.",
        )


class StatusUnknown(EnrollmentRefused):
    """Raised when a status is not in the plan's list."""

    def __init__(self, table: str, constraint: str, status: object = None) -> None:
        said = "a status" if status is None else f"the status {status!r}"
        super().__init__(
            table, constraint, f"{table}: {said} is not one of the known ones ({constraint})."
        )


class RunAgain(RefactorError):
    """Raised when a transaction's snapshot is too old; run the transaction again."""


FURTHER_KEY = "uq_enrollment_key_identity"
"""The constraint of several keys: the key belongs to another enrollment."""

TAKEN: dict[str, type[IdentityTaken]] = {
    "uq_program_enrollment_user": UserAlreadyEnrolled,
    "uq_program_enrollment_key": ExternalKeyAlreadyEnrolled,
}
"""The error by constraint; for a constraint of another table it is IdentityTaken."""
