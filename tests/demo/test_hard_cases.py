"""Each hard case is found in generated data by a query of its own."""

from __future__ import annotations

import pytest
from psycopg import Connection

from membership_refactor.demo.data import MEMBERSHIPS, load
from membership_refactor.demo.hard_cases import HARD_CASES
from membership_refactor.plans.programme_membership import SPLIT
from tests.demo.queries import one

KEY = ", ".join(SPLIT.key)
GROUPS = f"SELECT min(id) FROM {MEMBERSHIPS} GROUP BY {KEY} HAVING"
BESIDE = (
    f"SELECT FROM {MEMBERSHIPS} a JOIN {MEMBERSHIPS} b"
    " ON b.person_id = a.person_id AND b.programme_id = a.programme_id WHERE"
)
TYPE, START, END = SPLIT.key[2:]

# The SQL sees what the name of the hard case says; a dictionary of the same names, so that a new
# case cannot come without a look into the table.
SEEN = {
    "type missing": f"{TYPE} IS NULL AND {START} IS NOT NULL AND {END} IS NOT NULL",
    "start missing": f"{TYPE} IS NOT NULL AND {START} IS NULL AND {END} IS NOT NULL",
    "end missing": f"{TYPE} IS NOT NULL AND {START} IS NOT NULL AND {END} IS NULL",
    "type and start missing": f"{TYPE} IS NULL AND {START} IS NULL AND {END} IS NOT NULL",
    "type and end missing": f"{TYPE} IS NULL AND {START} IS NOT NULL AND {END} IS NULL",
    "start and end missing": f"{TYPE} IS NOT NULL AND {START} IS NULL AND {END} IS NULL",
    "every nullable key column missing": f"num_nonnulls({TYPE}, {START}, {END}) = 0",
    "empty type beside a missing one": f"{BESIDE} a.{TYPE} = '' AND b.{TYPE} IS NULL",
    "type in another case": f"{BESIDE} a.{TYPE} = 'SUBSTANTIVE' AND b.{TYPE} = 'Substantive'",
    "type with a trailing blank": f"{BESIDE} a.{TYPE} = 'SUBSTANTIVE' AND b.{TYPE} = a.{TYPE}||' '",
    "type that spells NULL": f"{BESIDE} a.{TYPE} = 'NULL' AND b.{TYPE} = '\\N'",
    "end missing in one row only": f"{BESIDE} a.{START} = b.{START} AND a.{TYPE} = b.{TYPE}"
    f" AND a.{END} IS NOT NULL AND b.{END} IS NULL",
    "start 1800-01-01": f"{START} = '1800-01-01'",
    "start 1800-01-01 beside a missing one": f"{BESIDE} a.{START} = '1800-01-01'"
    f" AND b.{START} IS NULL AND a.{TYPE} = b.{TYPE} AND a.{END} = b.{END}",
    "end infinity": f"{END} = 'infinity'",
    "start -infinity": f"{START} = '-infinity'",
    "ids 0": "0 = ALL (ARRAY[person_id, programme_id, rotation_id, training_number_id])",
    "rotation 0 beside a missing one": f"{GROUPS} min(rotation_id) = 0"
    " AND count(rotation_id) < count(*)",
    "training number -1": "training_number_id = -1",
    "two rotations": f"{GROUPS} min(rotation_id) <> max(rotation_id)",
    "rotation missing in one row only": f"{GROUPS} min(rotation_id) > 0"
    " AND count(rotation_id) < count(*)",
    "rotation text without id": "rotation ~ '  ' AND rotation ~ '''' AND rotation_id IS NULL",
    "rotation text with control characters": "rotation = E'Leeds\\\\Bradford\\tYsbyty Gwynedd,"
    " Môn\\n🏥'",
    "rotation of another programme": f"SELECT FROM {MEMBERSHIPS} m JOIN rotation r"
    " ON r.id = m.rotation_id AND r.id > 0 AND r.programme_id <> m.programme_id"
    " AND r.name = m.rotation WHERE true",
    "two training numbers": f"{GROUPS} min(training_number_id) <> max(training_number_id)"
    " AND min(training_number_id) > 0",
    "two pathways": f"{GROUPS} min(training_pathway) = 'CCT' AND max(training_pathway) = 'N/A'",
    "two leaving reasons, the lower id is the latest": f"{GROUPS} (array_agg(leaving_reason"
    " ORDER BY amended_date DESC))[1] = 'Gained CCT'"
    " AND (array_agg(leaving_reason ORDER BY amended_date))[1] = 'Resigned'"
    " AND (array_agg(amended_date ORDER BY id))[1] = max(amended_date)",
    "the latest leaving reason is missing": f"{GROUPS} (array_agg(leaving_reason"
    " ORDER BY amended_date DESC, id DESC))[1] IS NULL AND max(leaving_reason) = 'Resigned'",
    "two destinations amended at the same time": f"{GROUPS} min(amended_date) = max(amended_date)"
    " AND min(leaving_destination) <> max(leaving_destination)",
    "the latest of each column in another row": f"{GROUPS} max(training_pathway) = 'N/A'"
    " AND min(leaving_reason) = '' AND (array_agg(training_pathway ORDER BY amended_date DESC))[1]"
    " = 'CESR'",
    "two periods of grace": f"{GROUPS} min(period_of_grace) <> max(period_of_grace)",
    "same curriculum twice": f"{GROUPS} count(*) > count(DISTINCT curriculum_id)",
    "two memberships with one key": f"{GROUPS} count(*) > count(DISTINCT"
    " (curriculum_id, curriculum_start_date, curriculum_end_date))",
    "overlapping memberships": f"{BESIDE} a.{START} < b.{START} AND b.{START} < a.{END}",
    "membership of one day": f"{START} = {END}",
    "curriculum starts after its end": "curriculum_start_date > curriculum_end_date",
}


def test_every_hard_case_has_a_look_into_the_table() -> None:
    assert SEEN.keys() == HARD_CASES.keys()


@pytest.mark.parametrize("case", SEEN)
def test_the_hard_case_occurs(generated: Connection, case: str) -> None:
    query = SEEN[case]
    if not query.startswith("SELECT"):
        query = f"SELECT FROM {MEMBERSHIPS} WHERE {query}"
    assert one(generated, f"SELECT count(*) FROM ({query}) AS seen") >= 1


def test_a_hundred_rows_have_the_hard_cases_already(empty_legacy: Connection) -> None:
    load(empty_legacy, rows=100)
    assert one(empty_legacy, f"SELECT count(*) FROM {MEMBERSHIPS} WHERE {SEEN['ids 0']}") >= 1
    for case in ("every nullable key column missing", "membership of one day", "end infinity"):
        assert one(empty_legacy, f"SELECT count(*) FROM {MEMBERSHIPS} WHERE {SEEN[case]}") >= 1
