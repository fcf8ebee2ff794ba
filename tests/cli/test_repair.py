"""``repair`` without --apply says what it would do, changes nothing, and its exit status tells."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.cli.in_process import in_process
from tests.cli.test_histories import stood_at
from tests.fixtures.databases import TemplateDatabase

WRONG = {
    "a trigger that somebody dropped": (
        'DROP TRIGGER "AA_refactor_to_copy_insert" ON programme_membership',
        "AA_refactor_to_copy_insert",
    ),
    "a function that somebody changed": (
        "ALTER FUNCTION public_refactor.programme_membership_to_copy_insert() SECURITY INVOKER",
        "programme_membership_to_copy_insert",
    ),
    "a column that came to both tables": (
        "ALTER TABLE programme_membership ADD COLUMN x int;"
        " ALTER TABLE curriculum_membership ADD COLUMN x int",
        'column "x"',
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_repair_would_do_is_said_without_apply_and_is_done_with_it(
    case: str, template_database: TemplateDatabase
) -> None:
    change, named = WRONG[case]
    url = template_database("history 0004", stood_at("0004"))
    assert "Nothing to repair." in in_process(url, "repair").out
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(change)

    for _ in range(2):
        shown = in_process(url, "repair")
        assert (shown.status, "Nothing to repair" in shown.out) == (1, False), shown.out
        assert named in shown.out
        assert "`membership-refactor repair --apply` corrects these." in shown.out

    assert in_process(url, "repair", "--apply").status == 0
    again = in_process(url, "repair")
    assert (again.status, "Nothing to repair." in again.out) == (0, True), again.out
