"""The portrait of the enrollment tables that revision 0001 creates where there are none."""

from __future__ import annotations

from membership_refactor.plans.baseline import table, with_incoming_keys
from membership_refactor.plans.program_enrollment import IDENTITY, STATUSES
from membership_refactor.portrait import Column, Constraint, Portrait

COURSES = "program_course_enrollment"
_BLANKS = "' \t\n\r\f\v'::text"
"""The characters themselves, because PostgreSQL prints a constraint without escapes."""


def enrollment_tables(schema: str) -> Portrait:
    """The enrollment tables before 0002, with CHECKs that an adopted table does not get.

    Existing rows that break such a CHECK could not be updated any more.
    """
    key, name = "external_user_key", IDENTITY.table
    listed = ", ".join(f"'{status}'::text" for status in STATUSES)
    blank = f"CHECK ((({key} = btrim({key}, {_BLANKS})) AND ({key} <> ''::text)))"
    tables = (
        table(
            schema,
            name,
            Column(name="user_id", type="bigint"),
            Column(name=key, type="text"),
            Column(name="program_uuid", type="uuid", not_null=True),
            Column(name="curriculum_uuid", type="uuid", not_null=True),
            Column(name="status", type="text", not_null=True),
            _moment("created"),
            _moment("modified"),
            checks=(
                _check(f"ck_{name}_key_blank", blank, key),
                _check(f"ck_{name}_status", f"CHECK ((status = ANY (ARRAY[{listed}])))", "status"),
            ),
        ),
        table(
            schema,
            COURSES,
            Column(name="program_enrollment_id", type="bigint", not_null=True),
            Column(name="course_enrollment_id", type="bigint"),
            Column(name="course_key", type="text", not_null=True),
            Column(name="status", type="text", not_null=True),
            keys={"program_enrollment_id": name},
            unique=("program_enrollment_id", "course_key"),
        ),
    )
    return Portrait(schema=schema, tables=with_incoming_keys(tables))


def _moment(name: str) -> Column:
    return Column(name=name, type="timestamp with time zone", not_null=True, default="now()")


def _check(name: str, definition: str, column: str) -> Constraint:
    return Constraint(name=name, kind="c", definition=definition, columns=(column,))
