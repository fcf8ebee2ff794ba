"""The order of the steps, what each of them says of itself, and what people call them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import membership_refactor
from membership_refactor.planning import Revisions, Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Portrait
from membership_refactor.script import predicted
from membership_refactor.sql.names import Names
from membership_refactor.steps.step import Direction, Step
from membership_refactor.steps.step_chain import Chain
from tests.fixtures.steps import SHIPPED as CHAIN
from tests.fixtures.steps import in_a_row

NAMES = [step.name for step in CHAIN]
KEY = re.compile(r"[a-z][a-z_]*(:.+)?")
TITLE = re.compile(r"[A-Z][a-z]+ \S.*")
ENGINE = ("checks", "execution", "inspect", "planning", "script", "sql", "steps")


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("step", CHAIN.steps, ids=lambda step: step.name)
def test_each_action_has_a_key_of_its_own_and_a_title(step: Step, direction: Direction) -> None:
    empty = Portrait(schema="public", tables=())
    prediction = predicted(Names(SPLIT, "public"), CHAIN, empty)
    s = prediction.situation(step.name, direction)
    actions = step.up(s) if direction is Direction.UP else step.down(s)
    keys = [action.key for action in actions]
    assert len(set(keys)) == len(keys)
    assert [key for key in keys if not KEY.fullmatch(key)] == []
    assert [a.title for a in actions if not TITLE.fullmatch(a.title)] == []


def test_neighbours_follow_from_the_order() -> None:
    assert [s.name for s in CHAIN.below("copy_table")] == NAMES[:2]
    assert [s.name for s in CHAIN.above("drop_deprecated_columns")] == ["drop_retired_table"]
    assert [s.name for s in CHAIN.to_come(None)] == NAMES
    assert [s.name for s in CHAIN.way_down("dual_write", "enrollment_identity")] == [
        "dual_write",
        "copy_table",
        "enrollment_identity",
    ]
    highest = CHAIN.highest({"copy_table", "legacy_baseline"})
    assert highest is not None and highest.name == "copy_table"
    assert CHAIN.highest(()) is None


def test_a_step_between_two_others_is_found_by_the_list_alone() -> None:
    between = replace(CHAIN["dual_write"], name="rest_a_while")
    chain = Chain((*CHAIN.steps[:4], between, *CHAIN.steps[4:]), CHAIN.revisions)
    assert [s.name for s in chain.below("rest_a_while")][-1] == "dual_write"
    assert next(s.name for s in chain.above("rest_a_while")) == "retire_source"
    assert chain.run_by("0005") == (chain["retire_source"],)
    assert chain.revisions.command("rest_a_while", "up") == "alembic upgrade rest_a_while"


def test_stages_only_move_forward() -> None:
    stages = [list(Stage).index(step.stage) for step in CHAIN]
    assert stages == sorted(stages)


def test_messages_name_the_revisions_of_the_project() -> None:
    ids = in_a_row({"copy_table": "ae1027a6acf", "dual_write": "27c6a30d7c24"})
    assert ids.label("dual_write") == "27c6a30d7c24 dual_write"
    assert ids.mention("dual_write") == "revision 27c6a30d7c24"
    assert ids.command("dual_write", "up") == "alembic upgrade 27c6a30d7c24"
    assert ids.command("dual_write", "down") == "alembic downgrade ae1027a6acf"
    assert ids.command("copy_table", "down") == "alembic downgrade base"
    assert Chain(CHAIN.steps, ids).run_by("ae1027a6acf") == (CHAIN["copy_table"],)


def test_without_a_revision_a_step_goes_by_its_name() -> None:
    none = Revisions({"copy_table": "ae1027a6acf"})
    assert (none.of("dual_write"), none.mention("dual_write")) == ("dual_write", "step dual_write")
    assert none.command("copy_table", "down") == "alembic downgrade ae1027a6acf-1"


def test_the_engine_holds_no_revision_ids() -> None:
    root = Path(membership_refactor.__file__).parent
    files = [file for room in ENGINE for file in (root / room).rglob("*.py")]
    ids = "|".join(CHAIN.revisions.ids.values())
    held = [
        f"{file.relative_to(root)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(rf"""(["'])({ids})\1""", line)
    ]
    assert len(files) > 100
    assert held == []
