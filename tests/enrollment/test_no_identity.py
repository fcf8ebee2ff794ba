"""A blank value, or a word that the plan lists, identifies nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from membership_refactor.enrollment.add_constraints import add_constraints
from membership_refactor.enrollment.merge import merge
from membership_refactor.errors import CheckFailed
from membership_refactor.plans.program_enrollment import IDENTITY
from tests.enrollment.tables import enrol, run

PLAN = replace(IDENTITY, no_identity=("N/A", "(none)"))
COUNT = "SELECT count(*)::int FROM program_enrollment"
NOBODY = ("", "  ", "\t\n", "\u00a0", "\u200b", "\ufeff \u3000", "n/a", " N/A\u00a0", "(NONE)")


@pytest.mark.parametrize("key", NOBODY)
def test_rows_that_share_no_identity_stay_apart_and_the_update_makes_them_null(
    unconstrained_engine: Engine, key: str
) -> None:
    with unconstrained_engine.begin() as connection:
        for user in (1, 2, None, None):
            enrol(connection, user, key)
        for _ in range(2):
            enrol(connection, None, "none")
    merge(unconstrained_engine, PLAN, "public")
    with unconstrained_engine.begin() as connection:
        assert run(connection, COUNT) == [(5,)]
    with pytest.raises(CheckFailed, match="blank or a word") as refused:
        add_constraints(unconstrained_engine, PLAN, "public")
    update = (refused.value.hint or "").split("Make it NULL: ")[1]
    with unconstrained_engine.begin() as connection:
        run(connection, update)
        given = "SELECT external_user_key FROM program_enrollment WHERE external_user_key > ''"
        assert run(connection, given) == [("none",)]


def test_a_real_key_replaces_the_blank_of_the_row_that_is_kept(
    unconstrained_engine: Engine,
) -> None:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, "")
        enrol(connection, 1, "k", status="canceled")
        enrol(connection, 2, None)
        enrol(connection, 2, " ", status="canceled")
    merge(unconstrained_engine, PLAN, "public")
    with unconstrained_engine.begin() as connection:
        found = run(connection, "SELECT user_id, external_user_key FROM program_enrollment")
    assert sorted(found) == [(1, "k"), (2, None)]
