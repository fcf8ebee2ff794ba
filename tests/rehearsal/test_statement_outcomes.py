"""What counts as a difference between two outcomes, and which are documented."""

from __future__ import annotations

import pytest

from membership_refactor.rehearsal.documented import Where, documented, styles_at
from membership_refactor.rehearsal.probe_statements import Probe, Style
from membership_refactor.rehearsal.statement_outcomes import (
    Difference,
    Effect,
    Outcome,
    difference,
    masked,
    stable,
    without,
)
from tests.rehearsal.orders import PLAN

WORKED = Outcome(tag="UPDATE 1", effects=(Effect("audit", 1, 0, 0, ({"who": "a"},)),))
FAILED = Outcome(sqlstate="42501", message="permission denied")


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (WORKED, WORKED, None),
        (WORKED, FAILED, Difference.REFUSED),
        (FAILED, WORKED, Difference.ALLOWED),
        (FAILED, Outcome(sqlstate="42P01"), None),
        (WORKED, Outcome(tag="UPDATE 0", effects=WORKED.effects), Difference.EFFECT),
        (WORKED, Outcome(tag="UPDATE 1"), Difference.EFFECT),
        (WORKED, Outcome(tag="UPDATE 1", effects=(Effect("audit", 2, 0, 0),)), Difference.EFFECT),
        (
            WORKED,
            Outcome(tag="UPDATE 1", effects=(Effect("audit", 1, 0, 0, ({"who": "b"},)),)),
            Difference.CONTENT,
        ),
        (
            WORKED,
            Outcome(
                tag="UPDATE 1", effects=(Effect("audit", 1, 0, 0, ({"who": "a", "link": "u"},)),)
            ),
            None,
        ),
    ],
)
def test_differences(before: Outcome, now: Outcome, kind: Difference | None) -> None:
    assert difference(before, now, {"link"}) is kind


def test_what_differs_at_each_run_is_not_compared() -> None:
    other = Outcome(tag="UPDATE 1", effects=(Effect("audit", 1, 0, 0, ({"who": "random"},)),))
    assert stable(WORKED, WORKED) == WORKED
    once = stable(WORKED, other)
    assert once.effects == (Effect("audit", 1, 0, 0),)


def test_times_and_new_ids_read_the_same_at_each_run() -> None:
    value = {"at": "2026-11-27T10:00:00.5+00:00", "row": 31, "text": "row 31 of 7", "old": 30}
    assert masked([value, True], "2026-11-27", 30) == [
        {"at": "<now>", "row": "<new id>", "text": "row <new id> of 7", "old": 30},
        True,
    ]
    assert masked("2026-01-01 00:00:00", "2026-11-27", 3000) == "2026-01-01 00:00:00"


def test_keys_are_left_out_at_any_depth() -> None:
    assert without({"a": [{"link": 1, "b": 2}], "link": 3}, {"link"}) == {"a": [{"b": 2}]}


DEPRECATED = Probe("UPDATE carrier to itself", ("carrier",), ())
OWN = Probe("UPDATE pieces to itself", ("pieces",), ())
FROZEN = Outcome(sqlstate="55000")


@pytest.mark.parametrize(
    ("step", "table", "probe", "now", "expected"),
    [
        ("copy_table", "copy", OWN, FROZEN, True),
        ("copy_table", "source", OWN, FROZEN, False),
        ("dual_write", "copy", OWN, FROZEN, False),
        ("retire_source", "source", OWN, Outcome(sqlstate="42P01"), True),
        ("retire_source", "source", OWN, Outcome(sqlstate="P0001"), False),
        ("retire_source", "copy", OWN, Outcome(sqlstate="42P01"), False),
        ("link_children", "copy", DEPRECATED, FROZEN, False),
        ("stop_parallel_save", "copy", DEPRECATED, FROZEN, True),
        ("stop_parallel_save", "copy", OWN, FROZEN, False),
        ("drop_deprecated_columns", "copy", DEPRECATED, Outcome(sqlstate="42703"), True),
        ("drop_deprecated_columns", "copy", OWN, Outcome(sqlstate="42601"), False),
    ],
)
def test_a_refusal_is_expected_where_the_documents_say_so(
    step: str, table: str, probe: Probe, now: Outcome, expected: bool
) -> None:
    where = Where(step=step, table=table, style=Style.OLD)
    reason = documented(PLAN, where, probe, Difference.REFUSED, WORKED, now)
    assert bool(reason) is expected


def test_a_key_too_long_for_an_index_is_expected_from_the_step_on_that_builds_it() -> None:
    long = Outcome(sqlstate="54000")
    for step, column, expected in (
        ("retire_source", PLAN.key[0], False),
        ("rebuild_parent", PLAN.key[0], True),
        ("drop_deprecated_columns", PLAN.key[0], True),
        ("rebuild_parent", "pieces", False),
    ):
        where = Where(step=step, table="copy", style=Style.OLD)
        probe = Probe(f"UPDATE {column} to a long text", (column,), ())
        reason = documented(PLAN, where, probe, Difference.REFUSED, WORKED, long)
        assert bool(reason) is expected, (step, column)


def test_a_lost_constraint_is_never_expected() -> None:
    for step in ("copy_table", "dual_write", "link_children", "drop_deprecated_columns"):
        for table, style in styles_at(PLAN, step):
            where = Where(step=step, table=table, style=style)
            assert documented(PLAN, where, OWN, Difference.ALLOWED, FAILED, WORKED) is None


def test_more_rows_of_siblings_are_expected_at_the_link_and_fewer_are_not() -> None:
    where = Where(step="link_children", table="copy", style=Style.OLD)
    more = Outcome(tag="UPDATE 1", effects=(Effect("audit", 3, 0, 0),))
    none = Outcome(tag="UPDATE 1")
    assert documented(PLAN, where, DEPRECATED, Difference.EFFECT, WORKED, more)
    assert documented(PLAN, where, DEPRECATED, Difference.EFFECT, WORKED, none) is None
    assert documented(PLAN, where, OWN, Difference.EFFECT, WORKED, more) is None
