"""Where an id has several columns, rows that share the last one are tried."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from membership_refactor.planning import TableSplit
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.compare.comparer import Comparer
from membership_refactor.scan.compare.results import Verdict
from tests.scan.planted import CHILD, LINK, PARENT
from tests.scan.planted_kinds import JOINED

PLAN = replace(
    SPLIT,
    id=("curriculum_id", "id"),
    child_columns=tuple(name for name in SPLIT.child_columns if name != "curriculum_id"),
)
KEPT = replace(SPLIT, id=("person_id", "id"), keep=("person_id",))
ROWS = f"SELECT id, curriculum_id, rotation FROM {CHILD}"
OTHER = f"{CHILD} cm JOIN {CHILD} o ON {{}} JOIN {PARENT} pm ON {LINK.replace('cm.', 'o.')}"
FORM = f"SELECT cm.id, cm.curriculum_id, pm.rotation FROM {OTHER}"
COUNT = f"SELECT rotation, {{}} AS n FROM {CHILD} GROUP BY rotation"
COUNT_NEW = f"SELECT pm.rotation, {{}} AS n FROM {JOINED} GROUP BY pm.rotation"


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("plan", "old", "wrong"),
    [
        (PLAN, ROWS, FORM.format("o.id = cm.id")),
        (KEPT, ROWS, FORM.format("o.id = cm.id")),
        (PLAN, ROWS, FORM.format("o.curriculum_id = cm.curriculum_id")),
        (PLAN, COUNT.format("count(*)"), COUNT_NEW.format("count(DISTINCT cm.id)")),
        (
            PLAN,
            f"UPDATE {CHILD} SET period_of_grace = 3 WHERE rotation = 'x'",
            f"UPDATE {CHILD} SET period_of_grace = 3 WHERE id IN "
            f"(SELECT cm.id FROM {JOINED} WHERE pm.rotation = 'x')",
        ),
        (
            PLAN,
            f"DELETE FROM {CHILD} WHERE rotation = 'x'",
            f"DELETE FROM {CHILD} WHERE id IN (SELECT cm.id FROM {JOINED} WHERE pm.rotation = 'x')",
        ),
    ],
)
def test_a_form_that_takes_a_part_of_the_id_for_the_whole_is_different(
    plan: TableSplit, old: str, wrong: str, seed: int, connection: Connection
) -> None:
    compared = Comparer(connection, plan).compare(old, wrong, seed=seed, forms=("interim",))
    assert compared.verdict is Verdict.DIFFERENT, compared.sentence


@pytest.mark.parametrize(
    ("plan", "old", "new"),
    [
        (PLAN, ROWS, FORM.format("(o.curriculum_id, o.id) = (cm.curriculum_id, cm.id)")),
        (KEPT, ROWS, f"SELECT cm.id, cm.curriculum_id, pm.rotation FROM {JOINED}"),
        (
            PLAN,
            f"DELETE FROM {CHILD} WHERE rotation = 'x'",
            f"DELETE FROM {CHILD} WHERE (curriculum_id, id) IN "
            f"(SELECT cm.curriculum_id, cm.id FROM {JOINED} WHERE pm.rotation = 'x')",
        ),
    ],
)
def test_a_right_form_is_equal(
    plan: TableSplit, old: str, new: str, connection: Connection
) -> None:
    for seed in (1, 2, 3):
        compared = Comparer(connection, plan).compare(old, new, seed=seed)
        assert compared.verdict is Verdict.EQUAL, f"{compared.why} {compared.example}"
