"""A legacy row for COPY: a list of escaped texts, one for each of COLUMNS."""

from __future__ import annotations

COLUMNS = (
    "person_id",
    "programme_id",
    "programme_membership_type",
    "programme_start_date",
    "programme_end_date",
    "rotation",
    "rotation_id",
    "training_number_id",
    "training_pathway",
    "leaving_reason",
    "leaving_destination",
    "curriculum_id",
    "curriculum_start_date",
    "curriculum_end_date",
    "curriculum_completion_date",
    "period_of_grace",
    "intrepid_id",
    "amended_date",
)
"""Every column but the id, in the order of a row's fields."""

(
    PERSON,
    PROGRAMME,
    TYPE,
    START,
    END,
    ROTATION,
    ROTATION_ID,
    TRAINING_NUMBER,
    PATHWAY,
    REASON,
    DESTINATION,
    CURRICULUM,
    CURRICULUM_START,
    CURRICULUM_END,
    COMPLETED,
    GRACE,
    INTREPID,
    AMENDED,
) = range(len(COLUMNS))

NULL = "\\N"

Row = list[str]
"""Mutable, because a hard case is made by changing fields of an ordinary row."""


def escaped(text: str) -> str:
    """Escape ``text`` for COPY's text format."""
    for character, escape in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(character, escape)
    return text
