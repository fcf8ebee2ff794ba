"""What is true of every step: its actions' keys and titles, its locks, its place in the chain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from membership_refactor.errors import StepOutOfOrder
from membership_refactor.inspect.lock_forecast import SHORT, LockUse, locks_of
from membership_refactor.sql.quoting import qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Alone, Run
from membership_refactor.steps.step import Direction
from tests.chain.driver import REVISIONS, snapshot
from tests.docs.generated import texts
from tests.fixtures.chains import ChainAt
from tests.fixtures.steps import CHAIN as SPLIT_CHAIN
from tests.fixtures.steps import SHIPPED as CHAIN
from tests.steps.situations import actions, prediction, situation

NAMES = tuple(step.name for step in CHAIN)
BOTH_WAYS = [(name, direction) for name in NAMES for direction in Direction]
QUEUED_BEHIND = {Lock.SHARE, Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE}
MODE = re.compile(r"(?:SHARE ROW|SHARE UPDATE|ACCESS) EXCLUSIVE")


def private(step: str, direction: Direction) -> set[str]:
    """The tables that nobody else can use while the step runs: its own, and the closed parent."""
    before, after = prediction().before[step], prediction().after[step]
    if direction is Direction.DOWN:
        before, after = after, before
    made = {qualified(t.schema, t.name) for t in after.tables if before.find(t.name) is None}
    return made | ({situation(step).names.parent} if step == "rebuild_parent" else set())


def short_locks(step: str) -> tuple[LockUse, ...]:
    used = locks_of(actions(step, Direction.UP), private=private(step, Direction.UP))
    return tuple(use for use in used if use.how_long == SHORT)


def test_every_step_has_its_test_file() -> None:
    files = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    assert [name for name in NAMES if f"test_{name}" not in files] == []


@pytest.mark.parametrize(("step", "direction"), BOTH_WAYS)
def test_a_ledger_can_tell_the_actions_of_a_step_apart(step: str, direction: Direction) -> None:
    found = [action.key for action in actions(step, direction)]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[a-z_]+(:.+)?", key) for key in found), found


@pytest.mark.parametrize(("step", "direction"), BOTH_WAYS)
def test_a_person_can_tell_the_actions_of_a_step_apart(step: str, direction: Direction) -> None:
    found = [action.title for action in actions(step, direction)]
    assert len(set(found)) == len(found)
    assert all(title[:1].isupper() and not title.endswith(".") for title in found), found


@pytest.mark.parametrize(("step", "direction"), BOTH_WAYS)
def test_writers_queue_behind_short_locks_only(step: str, direction: Direction) -> None:
    long: list[Statement] = []
    for action in actions(step, direction):
        match action:
            case Run():
                long += action.statements
            case Alone():
                long.append(action.statement)
    in_use = [s for s in long if s.on and s.on not in private(step, direction)]
    assert [s.text for s in in_use if s.lock in QUEUED_BEHIND] == []


@pytest.mark.parametrize("step", NAMES)
def test_the_revision_names_the_modes_of_its_short_locks_and_no_others(step: str) -> None:
    said = texts()[CHAIN.revisions.of(step)].locks
    assert set(MODE.findall(said)) == {use.mode for use in short_locks(step)}


@pytest.mark.parametrize("step", NAMES)
def test_the_revision_names_the_tables_behind_whose_locks_writers_queue(step: str) -> None:
    said = texts()[CHAIN.revisions.of(step)].locks
    for use in short_locks(step):
        table = use.table.split(".")[1].strip('"')
        assert re.search(rf"\b{table}\b|[Bb]oth tables|refers? to", said), table


@pytest.mark.parametrize("step", [step.name for step in SPLIT_CHAIN][1:])
def test_a_step_does_not_go_up_before_the_one_below_it(step: str, chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    before = snapshot(chain)
    with pytest.raises(StepOutOfOrder, match="0003 has not been applied"):
        chain.runner().upgrade(step)
    assert snapshot(chain).tables == before.tables


@pytest.mark.parametrize("step", [step.name for step in SPLIT_CHAIN][:-1])
def test_a_step_does_not_go_down_before_the_one_above_it(step: str, chain_at: ChainAt) -> None:
    above = SPLIT_CHAIN.revisions.of(SPLIT_CHAIN.above(step)[0].name)
    chain = chain_at("0011")
    before = snapshot(chain)
    with pytest.raises(StepOutOfOrder, match=f"{above} is still applied"):
        chain.runner().downgrade(step)
    assert snapshot(chain).tables == before.tables


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_step_that_has_run_changes_nothing_when_it_runs_again(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    before = snapshot(chain)
    chain.up(revision)
    assert snapshot(chain) == before


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_step_that_was_taken_down_changes_nothing_when_it_goes_down_again(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    chain.down(revision)
    before = snapshot(chain)
    chain.down(revision)
    assert snapshot(chain) == before


@pytest.mark.parametrize(("step", "direction"), BOTH_WAYS)
def test_rows_that_applications_write_are_locked_in_ranges_only(
    step: str, direction: Direction
) -> None:
    """A range gives up before a deadlock is looked for, and is tried again; a Run is not."""
    names = situation(step, direction).names
    shared = {names.source, names.copy, names.parent} - private(step, direction)
    table = "|".join(map(re.escape, sorted(shared)))
    writes = rf"(?:UPDATE|DELETE FROM|INSERT INTO) (?:{table})(?!\w)"
    locks = rf"FROM (?:{table})[\s\S]* FOR (?:NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)"
    found = [
        (action.key, statement.text)
        for action in actions(step, direction)
        if isinstance(action, Run)
        for statement in action.statements
        if not statement.text.startswith(("CREATE ", "COMMENT "))
        if re.search(f"{writes}|{locks}", statement.text)
    ]
    assert shared == set() or found == []
