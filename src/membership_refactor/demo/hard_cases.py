"""The hard cases: each changes the rows of one ordinary membership into data that went wrong once.

Each of them broke, or would break, another way of grouping, joining or copying.
"""

from __future__ import annotations

from collections.abc import Callable

from membership_refactor.demo.references import References
from membership_refactor.demo.rows import (
    AMENDED,
    CURRICULUM,
    CURRICULUM_END,
    CURRICULUM_START,
    DESTINATION,
    END,
    GRACE,
    NULL,
    PATHWAY,
    PERSON,
    PROGRAMME,
    REASON,
    ROTATION,
    ROTATION_ID,
    START,
    TRAINING_NUMBER,
    TYPE,
    Row,
    escaped,
)

EARLIER, LATER = "2019-03-04 08:00:00.001+00", "2022-03-04 08:00:00.002+00"

Case = Callable[[list[Row], References], None]


def _everywhere(**fields: str) -> Case:
    """Set these values in every row of the membership."""
    changes = [(_FIELDS[name], value) for name, value in fields.items()]

    def change(rows: list[Row], references: References) -> None:
        for row in rows:
            for field, value in changes:
                row[field] = value

    return change


def _sibling(**fields: str) -> Case:
    """Add a row with these values, on the next curriculum."""
    changes = [(_FIELDS[name], value) for name, value in fields.items()]

    def change(rows: list[Row], references: References) -> None:
        for field, value in changes:
            _another(rows, references)[field] = value

    return change


def _another(rows: list[Row], references: References) -> Row:
    """Return the last row. If there is only one row, add a second one on the next curriculum."""
    if len(rows) == 1:
        rows.append(rows[0].copy())
        rows[1][CURRICULUM] = str(references.curriculum_id(int(rows[0][CURRICULUM]) // 2 + 1))
    return rows[-1]


def _beside(first: dict[int, str], last: dict[int, str]) -> Case:
    """Set the first values in the first row, and the others in the last row."""

    def change(rows: list[Row], references: References) -> None:
        other = _another(rows, references)
        for field, value in first.items():
            rows[0][field] = value
        for field, value in last.items():
            other[field] = value

    return change


def _two_rotations(rows: list[Row], references: References) -> None:
    """Make a group that a key with rotation_id would split."""
    other = _another(rows, references)
    n = int(rows[0][PROGRAMME]) - 1000
    rows[0][ROTATION_ID] = str(references.rotation_id(n))
    other[ROTATION_ID] = str(references.rotation_id(n + 1))


def _rotation_of_another_programme(rows: list[Row], references: References) -> None:
    n = int(rows[0][PROGRAMME]) - 1000 + 3
    for row in rows:
        row[ROTATION_ID] = str(references.rotation_id(n))
        row[ROTATION] = references.rotation_name(n)


def _two_training_numbers(rows: list[Row], references: References) -> None:
    other = _another(rows, references)
    n = int(rows[0][PERSON])
    rows[0][TRAINING_NUMBER] = str(references.training_number_id(n))
    other[TRAINING_NUMBER] = str(references.training_number_id(n + 1))


def _same_curriculum_twice(rows: list[Row], references: References) -> None:
    """Give one curriculum two rows with consecutive dates: parent and curriculum do not identify a
    child."""
    rows.append(rows[0].copy())
    rows[-1][CURRICULUM_START] = rows[0][CURRICULUM_END]


def _all_twice(rows: list[Row], references: References) -> None:
    """Add each row again: two real memberships whose rows differ only in their ids."""
    rows.extend([row.copy() for row in rows])


def _overlapping(rows: list[Row], references: References) -> None:
    """Add a membership of the same programme that begins while the first one runs."""
    rows.append(rows[0].copy())
    start = rows[0][START]
    rows[-1][START] = f"{start[:8]}{'27' if start.endswith('28') else '28'}"


def _one_day(rows: list[Row], references: References) -> None:
    for row in rows:
        row[END] = row[START]


def _curriculum_starts_after_its_end(rows: list[Row], references: References) -> None:
    rows[0][CURRICULUM_START], rows[0][CURRICULUM_END] = "2031-08-01", "2019-08-01"


_FIELDS = {
    "type": TYPE,
    "start": START,
    "end": END,
    "rotation": ROTATION,
    "rotation_id": ROTATION_ID,
    "training_number": TRAINING_NUMBER,
    "person": PERSON,
    "programme": PROGRAMME,
    "grace": GRACE,
}

HARD_CASES: dict[str, Case] = {
    "type missing": _everywhere(type=NULL),
    "start missing": _everywhere(start=NULL),
    "end missing": _everywhere(end=NULL),
    "type and start missing": _everywhere(type=NULL, start=NULL),
    "type and end missing": _everywhere(type=NULL, end=NULL),
    "start and end missing": _everywhere(start=NULL, end=NULL),
    "every nullable key column missing": _everywhere(type=NULL, start=NULL, end=NULL),
    "empty type beside a missing one": _beside({TYPE: ""}, {TYPE: NULL}),
    "type in another case": _beside({TYPE: "SUBSTANTIVE"}, {TYPE: "Substantive"}),
    "type with a trailing blank": _beside({TYPE: "SUBSTANTIVE"}, {TYPE: "SUBSTANTIVE "}),
    "type that spells NULL": _beside({TYPE: "NULL"}, {TYPE: escaped("\\N")}),
    "end missing in one row only": _sibling(end=NULL),
    "start 1800-01-01": _everywhere(start="1800-01-01"),
    "start 1800-01-01 beside a missing one": _beside({START: "1800-01-01"}, {START: NULL}),
    "end infinity": _everywhere(end="infinity"),
    "start -infinity": _everywhere(start="-infinity"),
    "ids 0": _everywhere(person="0", programme="0", rotation_id="0", training_number="0"),
    "rotation 0 beside a missing one": _beside({ROTATION_ID: "0"}, {ROTATION_ID: NULL}),
    "training number -1": _sibling(training_number="-1"),
    "two rotations": _two_rotations,
    "rotation missing in one row only": _sibling(rotation_id=NULL, rotation=NULL),
    "rotation text without id": _everywhere(rotation="St Mary's  (old)", rotation_id=NULL),
    "rotation text with control characters": _everywhere(
        rotation=escaped("Leeds\\Bradford\tYsbyty Gwynedd, Môn\n🏥")
    ),
    "rotation of another programme": _rotation_of_another_programme,
    "two training numbers": _two_training_numbers,
    "two pathways": _beside({PATHWAY: "CCT", AMENDED: EARLIER}, {PATHWAY: "N/A", AMENDED: LATER}),
    "two leaving reasons, the lower id is the latest": _beside(
        {REASON: "Gained CCT", AMENDED: LATER}, {REASON: "Resigned", AMENDED: EARLIER}
    ),
    "the latest leaving reason is missing": _beside(
        {REASON: "Resigned", AMENDED: EARLIER}, {REASON: NULL, AMENDED: LATER}
    ),
    "two destinations amended at the same time": _beside(
        {DESTINATION: "Adjacent region, training", AMENDED: LATER},
        {DESTINATION: "Adjacent Region-training", AMENDED: LATER},
    ),
    "the latest of each column in another row": _beside(
        {PATHWAY: "N/A", REASON: "", AMENDED: EARLIER},
        {PATHWAY: "CESR", REASON: "Resigned", AMENDED: LATER},
    ),
    "two periods of grace": _beside({GRACE: "0"}, {GRACE: "6"}),
    "same curriculum twice": _same_curriculum_twice,
    "two memberships with one key": _all_twice,
    "overlapping memberships": _overlapping,
    "membership of one day": _one_day,
    "curriculum starts after its end": _curriculum_starts_after_its_end,
}
"""Every hard case by its name. A value of a parent may differ; the ids it names do exist."""
