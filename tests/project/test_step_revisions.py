"""The steps of a plan are found among the revisions; an order that cannot be is one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from membership_refactor.errors import WrongUse
from membership_refactor.planning import Revisions
from membership_refactor.project.step_revisions import ProjectHistory
from tests.project.revision_files import PLANS, STEPS, revision, write_revisions

ABOVE = "from alembic import op\nfrom shop_plans import CUSTOMERS, ORDERS"


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module of plans; forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "shop_plans.py").write_text(PLANS)
    yield
    sys.modules.pop("shop_plans", None)


def rev(name: str, below: str | tuple[str, ...] | None, body: str = "pass", **more: str) -> str:
    return revision(name, below, body, above=ABOVE, **more)


def history(folder: Path, *texts: str) -> ProjectHistory:
    files: Mapping[str, str] = {f"file{n}": text for n, text in enumerate(texts)}
    return ProjectHistory.read(write_revisions(folder, files), STEPS)


def found(folder: Path, *texts: str, plan: str = "orders", schema: str = "public") -> Revisions:
    return history(folder, *texts).revisions(plan, schema, STEPS)


def refused(folder: Path, *texts: str) -> str:
    with pytest.raises(WrongUse) as raised:
        found(folder, *texts)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_ids_may_be_anything_and_own_revisions_stand_between(tmp_path: Path) -> None:
    revisions = found(
        tmp_path,
        rev("first", None),
        rev("ae10", "first", "op.copy_table(ORDERS)"),
        rev("own", "ae10"),
        rev("2026_dual", "own", "op.dual_write(ORDERS)"),
        rev("later", "2026_dual"),
    )
    assert revisions.ids == {"copy_table": "ae10", "dual_write": "2026_dual"}
    assert revisions.before == {"copy_table": "first", "dual_write": "own"}
    assert revisions.command("dual_write", "down") == "alembic downgrade own"
    assert revisions.label("retire_source") == "retire_source"


def test_two_plans_in_one_history(tmp_path: Path) -> None:
    texts = (
        rev("a", None, "op.copy_table(ORDERS)"),
        rev("b", "a", "op.copy_table(CUSTOMERS)"),
        rev("c", "b", "op.dual_write(ORDERS)\nop.dual_write(CUSTOMERS)"),
    )
    one = history(tmp_path, *texts)
    assert list(one.plans()) == ["orders", "customers"]
    assert one.revisions("orders", "public", STEPS).ids == {"copy_table": "a", "dual_write": "c"}
    assert one.revisions("customers", "public", STEPS).ids == {"copy_table": "b", "dual_write": "c"}


def test_one_plan_in_two_schemas(tmp_path: Path) -> None:
    texts = (
        rev("a", None, 'op.copy_table(ORDERS, schema="sales")'),
        rev("b", "a", 'op.copy_table(ORDERS, schema="archive")'),
        rev("c", "b", "op.dual_write(ORDERS)"),
    )
    one = history(tmp_path, *texts)
    assert one.schemas("orders") == ("sales", "archive")
    assert one.revisions("orders", "sales", STEPS).ids == {"copy_table": "a", "dual_write": "c"}
    assert one.revisions("orders", "archive", STEPS).ids == {"copy_table": "b", "dual_write": "c"}


def test_several_steps_in_one_revision_are_in_their_order(tmp_path: Path) -> None:
    steps = "op.copy_table(ORDERS)\nop.dual_write(ORDERS)"
    assert set(found(tmp_path, rev("a", None, steps)).ids.values()) == {"a"}


def test_plans_on_branches_do_not_disturb_each_other(tmp_path: Path) -> None:
    texts = (
        rev("root", None),
        rev("a", "root", "op.copy_table(ORDERS)"),
        rev("b", "root", "op.copy_table(CUSTOMERS)"),
        rev("c", "a", "op.dual_write(ORDERS)"),
    )
    assert found(tmp_path, *texts).ids == {"copy_table": "a", "dual_write": "c"}


def test_a_merge_or_a_dependency_brings_branches_into_order(tmp_path: Path) -> None:
    merged = (
        rev("root", None),
        rev("a", "root", "op.copy_table(ORDERS)"),
        rev("b", "root"),
        rev("m", ("a", "b")),
        rev("c", "m", "op.dual_write(ORDERS)"),
    )
    assert found(tmp_path / "merged", *merged).ids == {"copy_table": "a", "dual_write": "c"}
    depending = (
        rev("a", None, "op.copy_table(ORDERS)"),
        rev("b", None),
        rev("c", "b", "op.dual_write(ORDERS)", depends_on="a"),
    )
    assert found(tmp_path / "depending", *depending).ids == {"copy_table": "a", "dual_write": "c"}


def test_a_plan_of_which_nothing_is_written_yet(tmp_path: Path) -> None:
    assert found(tmp_path, rev("a", None)).ids == {}


def test_both_ways_of_an_if_are_one_revision(tmp_path: Path) -> None:
    ways = "import sys\nif sys.flags.debug:\n    {0}\nelse:\n    {0}"
    both = ways.format("op.copy_table(ORDERS); op.dual_write(ORDERS)")
    ids = found(tmp_path / "in_order", rev("a", None, both)).ids
    assert ids == {"copy_table": "a", "dual_write": "a"}
    wrong = ways.format("op.dual_write(ORDERS); op.copy_table(ORDERS)")
    said = refused(tmp_path / "not", rev("a", None, wrong))
    assert 'a runs dual_write of plan "orders" before a runs copy_table' in said


def test_a_step_that_is_run_twice(tmp_path: Path) -> None:
    said = refused(
        tmp_path,
        rev("a", None, "op.copy_table(ORDERS)"),
        rev("b", "a", "op.dual_write(ORDERS)"),
        rev("c", "b", "op.copy_table(ORDERS)"),
    )
    assert said.startswith('copy_table of plan "orders" is run by two revisions: a and c.')


def test_a_step_that_is_missing(tmp_path: Path) -> None:
    said = refused(
        tmp_path,
        rev("a", None, "op.copy_table(ORDERS)"),
        rev("b", "a", "op.retire_source(ORDERS)"),
    )
    assert said.startswith('no revision runs dual_write of plan "orders", and b runs retire_source')
    assert "op.dual_write(...) before b" in said


def test_a_step_that_is_missing_because_it_could_not_be_read(tmp_path: Path) -> None:
    said = refused(
        tmp_path,
        rev("a", None, "op.copy_table(eval('ORDERS'))"),
        rev("b", "a", "op.dual_write(ORDERS)"),
    )
    assert "a calls copy_table with a plan that only a run can tell. In it, write" in said
    assert 'write refactoring = [("copy_table", THE_PLAN)] at the top.' in said


def test_steps_in_another_order(tmp_path: Path) -> None:
    said = refused(
        tmp_path,
        rev("a", None, "op.dual_write(ORDERS)"),
        rev("b", "a", "op.copy_table(ORDERS)"),
    )
    assert said.startswith('a runs dual_write of plan "orders" before b runs copy_table')
    said = refused(
        tmp_path / "one",
        rev("a", None, "op.dual_write(ORDERS)\nop.copy_table(ORDERS)"),
    )
    assert said.startswith('a runs dual_write of plan "orders" before a runs copy_table')


def test_steps_on_two_branches(tmp_path: Path) -> None:
    said = refused(
        tmp_path,
        rev("root", None),
        rev("a", "root", "op.copy_table(ORDERS)"),
        rev("b", "root", "op.dual_write(ORDERS)"),
        rev("m", ("a", "b")),
    )
    assert "on two branches of which neither comes before the other" in said
    assert "depends_on = ('a',) in b" in said


def test_what_ran_wins_over_what_is_read_and_fills_what_cannot_be_read(tmp_path: Path) -> None:
    one = history(
        tmp_path,
        rev("a", None, "op.copy_table(eval('ORDERS'))"),
        rev("b", "a", "op.dual_write(ORDERS)"),
    )
    ran = {"copy_table": "a", "dual_write": "of another project"}
    revisions = one.revisions("orders", "public", STEPS, ran)
    assert revisions.ids == {"copy_table": "a", "dual_write": "b"}
    assert one.revisions("orders", "public", STEPS, {"copy_table": "b"}).ids["copy_table"] == "b"


def test_a_head_says_which_revisions_have_run(tmp_path: Path) -> None:
    one = history(tmp_path, rev("a", None), rev("b", "a"), rev("c", "a"), rev("d", "b"))
    assert one.applied(["d"]) == {"a", "b", "d"}
    assert one.applied(["d", "c"]) == {"a", "b", "c", "d"}
    assert one.applied(["unknown"]) == set()
