"""The plan of program enrollments in use: with several keys, or without."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from membership_refactor.enrollment.cursor import rows
from membership_refactor.planning import Dependent, UniqueIdentity
from membership_refactor.plans.program_enrollment import IDENTITY
from membership_refactor.sql.quoting import literal, qualified

WITH_KEYS = replace(
    IDENTITY,
    dependents=(*IDENTITY.dependents, Dependent(table="enrollment_key", parent="enrollment_id")),
)
"""With several keys a merge moves the keys like the courses."""


def plan_in_use(connection: Connection, schema: str) -> UniqueIdentity:
    """Return ``WITH_KEYS`` if the optional chain was run in the schema, else ``IDENTITY``."""
    table = literal(qualified(schema, "enrollment_key"))
    found = rows(connection, f"SELECT pg_catalog.to_regclass({table}) IS NOT NULL")
    return WITH_KEYS if found[0][0] else IDENTITY
