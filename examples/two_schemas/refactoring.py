"""The two plans of the clinic."""

from membership_refactor import Conflict, ParentColumn, TableSplit

VISITS = TableSplit(
    name="visits",
    source="visit",
    copy="measurement",
    parent="stay",
    link="stay_uuid",
    key=("patient", "day"),
    parent_columns=(ParentColumn(name="ward", conflict=Conflict.LATEST),),
    child_columns=("kind", "reading"),
    changed="measured_at",
)
"""One row of ``stay`` for each patient and day, in the schema of each site."""

BOOKINGS = TableSplit(
    name="bookings",
    source="booking",
    parent="guest",
    link="guest_uuid",
    key=("email",),
    parent_columns=(ParentColumn(name="name", conflict=Conflict.FIRST),),
    child_columns=("room", "night"),
)
"""Guests of the clinic's hotel, in the schema ``public``. The bookings keep their table."""
