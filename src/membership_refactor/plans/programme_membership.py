"""The plan that splits programme_membership into one parent and one child per curriculum."""

from __future__ import annotations

from membership_refactor.planning import Conflict, ParentColumn, TableSplit

SPLIT = TableSplit(
    name="programme_membership",
    source="programme_membership",
    copy="curriculum_membership",
    parent="programme_membership",
    link="programme_membership_uuid",
    key=(
        "person_id",
        "programme_id",
        "programme_membership_type",
        "programme_start_date",
        "programme_end_date",
    ),
    parent_columns=tuple(
        ParentColumn(name=name, conflict=Conflict.LATEST)
        for name in (
            "rotation",
            "rotation_id",
            "training_number_id",
            "training_pathway",
            "leaving_reason",
            "leaving_destination",
        )
    ),
    child_columns=(
        "curriculum_id",
        "curriculum_start_date",
        "curriculum_end_date",
        "curriculum_completion_date",
        "period_of_grace",
        "intrepid_id",
    ),
    changed="amended_date",
)
