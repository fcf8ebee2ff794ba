"""A legacy row for COPY: a list of escaped texts, one for each of COLUMNS."""

from __future__ import annotations

from membership_refactor.plans.programme_membership import SPLIT

COLUMNS = (*SPLIT.key, *SPLIT.parent_values, *SPLIT.child_columns, "amended_date")
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
