"""A client that is killed at any moment loses nothing, and the same command goes on."""

from __future__ import annotations

import re

import pytest

from membership_refactor.errors import StepOutOfOrder
from membership_refactor.portrait import differences
from membership_refactor.steps.step import Direction
from tests.chain.driver import REVISIONS, Chain, Snapshot, Subject, build, snapshot
from tests.chain.fixed import fill
from tests.chain.killing import ALL, MOMENTS, go, killed, moments
from tests.chain.partitioned import PARTITIONED
from tests.chain.subjects import KEPT, MEMBERSHIP
from tests.chain.test_later_writes import joined
from tests.fixtures.chains import ChainAt
from tests.fixtures.steps import CHAIN, step_of
from tests.reference_model.split import Rows

WAYS = [(revision, direction) for direction in Direction for revision in REVISIONS]
EVERYDAY = {
    ("0003", Direction.UP),
    ("0007", Direction.UP),
    ("0009", Direction.DOWN),
    ("0005", Direction.DOWN),
}
"""A plain run kills in these; `-m slow` in the others as well."""
PLAIN = [
    pytest.param(*way, marks=() if way in EVERYDAY else pytest.mark.slow, id="-".join(way))
    for way in WAYS
]
OF_PARTITIONED = [
    (name, revision, direction)
    for name, subject in PARTITIONED.items()
    for direction in Direction
    for revision in subject.revisions
]
EVERY = 5
"""A plain run takes every fifth moment; the campaign takes all."""


def start(
    revision: str,
    direction: Direction,
    chain_at: ChainAt,
    subject: Subject = MEMBERSHIP,
    name: str = "fixed",
) -> Chain:
    revisions = subject.revisions
    before = [subject.start, *revisions][revisions.index(revision)]
    first = build(subject, fill)
    if direction is Direction.UP:
        return chain_at(before, subject=subject, name=name, first=first)
    return chain_at(revision, subject=subject, name=name, first=first, down=True)


def assert_alike(found: Snapshot, expected: Snapshot, place: str) -> None:
    assert found.tables == expected.tables, place
    assert differences(expected.portrait, found.portrait) == (), place
    assert found.own == expected.own, place


def facts(chain: Chain, found: Snapshot, revision: str) -> dict[str, Rows]:
    """What a step that is taken back has to give back: every row, of which the child may have
    the frozen columns from its parent and the archive, which nobody writes, from the child."""
    plan, tables = chain.plan, dict(found.tables)
    if revision in ("0009", "0010"):
        tables[plan.child] = joined(chain)
    if revision in ("0005", "0011"):
        tables.pop(plan.retired, None)
    return tables


def is_open(chain: Chain) -> bool:
    ledger = chain.runner().ledger
    with chain.engine.connect() as connection:
        pg = connection.connection.driver_connection
        return ledger.exists(pg) and ledger.open_step(pg) is not None  # type: ignore[arg-type]


def refuses_everything_else(chain: Chain, revision: str, direction: Direction) -> None:
    """The other direction and the neighbours, naming the step and what ends it."""
    own = chain.subject.revisions
    neighbours = [r for r in own if abs(own.index(r) - own.index(revision)) == 1]
    wrong = [(revision, direction.other), *((r, d) for r in neighbours for d in Direction)]
    for other, way in wrong:
        with pytest.raises(StepOutOfOrder) as refused:
            go(chain, other, way)
        message = str(refused.value)
        assert (
            f"step {CHAIN.revisions.label(step_of(revision))} is open: it went {direction}"
            in message
        )
        assert "membership-refactor abandon" in message
        goal = revision if direction is Direction.UP else f"{int(revision) - 1:04d}"
        verb = "upgrade" if direction is Direction.UP else "downgrade"
        assert f"alembic {verb} {goal}" in message


def goes_on(
    chain_at: ChainAt,
    revision: str,
    direction: Direction,
    pattern: re.Pattern[str],
    every: int,
    *,
    subject: Subject = MEMBERSHIP,
    name: str = "fixed",
) -> None:
    """Killed at every ``every``-th moment: by turns the same command goes on, or it is abandoned;
    both where every moment is asked for."""
    undisturbed = start(revision, direction, chain_at, subject, name)
    before = snapshot(undisturbed)
    known = facts(undisturbed, before, revision)
    count = moments(undisturbed, revision, direction, pattern)
    after = snapshot(undisturbed)
    assert count >= 2
    refused = False
    for n, at in enumerate([*range(1 + int(revision) % every, count, every), count]):
        place = f"{revision} {direction} killed at {at} of {count}"
        if every == 1 or n % 2 == 0:
            chain = start(revision, direction, chain_at, subject, name)
            assert killed(chain, revision, direction, pattern, at), place
            if not refused and is_open(chain):
                refuses_everything_else(chain, revision, direction)
                refused = True
            go(chain, revision, direction)
            assert_alike(snapshot(chain), after, place)
        if every == 1 or n % 2 == 1:
            chain = start(revision, direction, chain_at, subject, name)
            assert killed(chain, revision, direction, pattern, at), place
            opened = is_open(chain)
            assert (chain.runner().abandon() is not None) == opened, place
            assert not is_open(chain), place
            found = snapshot(chain)
            assert facts(chain, found, revision) == known, f"{place}, abandoned"
            assert differences(before.portrait, found.portrait) == (), f"{place}, abandoned"
            go(chain, revision, direction)
            found = snapshot(chain)
            assert facts(chain, found, revision) == facts(undisturbed, after, revision), place
            assert differences(after.portrait, found.portrait) == (), place
            assert found.own == after.own, f"{place}, abandoned and run again"


@pytest.mark.parametrize(("revision", "direction"), PLAIN)
def test_a_killed_client_goes_on_to_the_same_end_or_is_taken_back(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    goes_on(chain_at, revision, direction, MOMENTS, EVERY)


@pytest.mark.slow
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("revision", ["0009", "0010"])
def test_a_client_killed_at_any_action_on_kept_columns_goes_on_to_the_same_end(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    goes_on(chain_at, revision, direction, MOMENTS, 1, subject=KEPT, name="kept")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "revision", "direction"), OF_PARTITIONED)
def test_a_client_killed_while_a_partitioned_table_is_changed_goes_on_to_the_same_end(
    name: str, revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    goes_on(chain_at, revision, direction, MOMENTS, EVERY, subject=PARTITIONED[name], name=name)


@pytest.mark.campaign
@pytest.mark.parametrize(("name", "revision", "direction"), OF_PARTITIONED)
def test_a_client_killed_at_any_action_on_a_partitioned_table_goes_on_to_the_same_end(
    name: str, revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    goes_on(chain_at, revision, direction, MOMENTS, 1, subject=PARTITIONED[name], name=name)


@pytest.mark.campaign
@pytest.mark.parametrize(("revision", "direction"), WAYS)
def test_a_client_killed_between_any_two_actions_and_at_any_batch_goes_on_to_the_same_end(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    goes_on(chain_at, revision, direction, MOMENTS, 1)


@pytest.mark.campaign
@pytest.mark.parametrize(("revision", "direction"), WAYS)
def test_a_client_killed_before_any_statement_goes_on_to_the_same_end(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    goes_on(chain_at, revision, direction, ALL, 1)
