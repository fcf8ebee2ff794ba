"""The portrait of the tables that revision 0001 creates in an empty schema."""

from __future__ import annotations

from membership_refactor.plans.baseline import table, with_incoming_keys
from membership_refactor.portrait import Column, Portrait


def legacy_tables(schema: str) -> Portrait:
    """Person, programme, curriculum, rotation, training number, and the wide table.

    Each table comes after those that it refers to. The portrait equals the one that is read from a
    database with these tables, except for the owner, which is empty.
    """
    tables = (
        table(
            schema,
            "person",
            Column(name="forenames", type="text"),
            Column(name="surname", type="text"),
            Column(name="status", type="text"),
        ),
        table(
            schema,
            "programme",
            Column(name="programme_name", type="text"),
            Column(name="programme_number", type="text"),
            Column(name="owner", type="text"),
            Column(name="status", type="text"),
        ),
        table(
            schema,
            "curriculum",
            Column(name="name", type="text", not_null=True),
            Column(name="curriculum_sub_type", type="text"),
        ),
        table(
            schema,
            "rotation",
            Column(name="programme_id", type="bigint", not_null=True),
            Column(name="name", type="text", not_null=True),
            keys={"programme_id": "programme"},
            unique=("programme_id", "name"),
        ),
        table(
            schema,
            "training_number",
            Column(name="training_number", type="text"),
            Column(name="programme_id", type="bigint"),
            keys={"programme_id": "programme"},
        ),
        table(
            schema,
            "programme_membership",
            Column(name="person_id", type="bigint", not_null=True),
            Column(name="programme_id", type="bigint", not_null=True),
            Column(name="curriculum_id", type="bigint", not_null=True),
            Column(name="programme_membership_type", type="text"),
            Column(name="programme_start_date", type="date"),
            Column(name="programme_end_date", type="date"),
            Column(name="rotation", type="text"),
            Column(name="rotation_id", type="bigint"),
            Column(name="training_number_id", type="bigint"),
            Column(name="training_pathway", type="text"),
            Column(name="leaving_reason", type="text"),
            Column(name="leaving_destination", type="text"),
            Column(name="curriculum_start_date", type="date"),
            Column(name="curriculum_end_date", type="date"),
            Column(name="curriculum_completion_date", type="date"),
            Column(name="period_of_grace", type="integer"),
            Column(name="intrepid_id", type="text"),
            Column(
                name="amended_date",
                type="timestamp(3) with time zone",
                not_null=True,
                default="now()",
            ),
            keys={
                "person_id": "person",
                "programme_id": "programme",
                "curriculum_id": "curriculum",
                "rotation_id": "rotation",
                "training_number_id": "training_number",
            },
        ),
    )
    return Portrait(schema=schema, tables=with_incoming_keys(tables))
