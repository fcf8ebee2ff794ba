"""Triggers that are turned off and on while a step is under way, as a bulk load does."""

from __future__ import annotations

import re
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import Engine

from membership_refactor.database import libpq_url
from membership_refactor.errors import CheckFailed, StepInterrupted
from membership_refactor.inspect.all_comparisons import repair_all, repair_objects, verify_all
from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Chain
from tests.chain.killing import Moments, go, killed
from tests.chain.test_kill import start
from tests.fixtures.chains import ChainAt

LOCKS = re.compile(r"SET LOCAL lock_timeout = \d+; SET LOCAL synchronous_commit")
"""Before each lock behind which writers queue: the step holds none at that moment."""
ACTION = re.compile(r'INSERT INTO "[^"]*"\."action"')
"""Before the record of each action: its work is done, and is not committed."""
WIDE, CHILD = "programme_membership", "curriculum_membership"
WAYS = [
    ("0003", Direction.UP),
    ("0004", Direction.UP),
    ("0007", Direction.UP),
    ("0008", Direction.UP),
    ("0009", Direction.UP),
    ("0009", Direction.DOWN),
    ("0008", Direction.DOWN),
    ("0007", Direction.DOWN),
    ("0005", Direction.DOWN),
    ("0004", Direction.DOWN),
]
EVERYDAY = {("0008", Direction.DOWN)}
OFF_AND_ON = ("DISABLE TRIGGER USER", "ENABLE TRIGGER USER")
FROZEN = "stop_parallel_save"


def touch(chain: Chain, *changes: str) -> None:
    for name in (WIDE, CHILD, f"{WIDE}_retired"):
        if chain.query(f"SELECT WHERE to_regclass('public.{name}') IS NOT NULL"):
            chain.run(*(f"ALTER TABLE public.{name} {change}" for change in changes))


def write_old_style(chain: Chain, revision: str, said: str) -> int:
    """An old-style application changes a row and adds one like it. The changed row's id."""
    table = WIDE if revision < "0005" else CHILD
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        row = pg.execute(
            f"UPDATE public.{table} SET leaving_reason = '{said}' WHERE id ="
            f" (SELECT min(id) FROM public.{table}) RETURNING id"
        ).fetchone()
        pg.execute(
            f"INSERT INTO public.{table} (person_id, programme_id, curriculum_id,"
            " programme_membership_type, programme_start_date, programme_end_date, leaving_reason)"
            " SELECT person_id, programme_id, curriculum_id, programme_membership_type,"
            " programme_start_date, programme_end_date, leaving_reason"
            f" FROM public.{table} WHERE id = (SELECT min(id) FROM public.{table})"
        )
    assert row is not None
    return int(row[0])


def own_that_fire(chain: Chain) -> int:
    """How many of the tool's triggers fire at all. A constraint trigger cannot be replaced; the
    only one refuses writes, loudly, and is dropped by the action after the switch."""
    return int(
        chain.query(
            "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
            " AND tgconstraint = 0"
            " AND (tgname LIKE 'AA!_refactor%' ESCAPE '!' OR tgname LIKE '~refactor%')"
            " AND pg_get_triggerdef(oid) NOT LIKE '%WHEN (false)%'"
        )[0][0]
    )


@pytest.mark.parametrize(
    ("revision", "direction"),
    [pytest.param(*w, marks=() if w in EVERYDAY else pytest.mark.slow) for w in WAYS],
)
def test_triggers_turned_off_and_on_within_a_step_are_noticed_and_nothing_dead_comes_to_life(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    undisturbed = start(revision, direction, chain_at)
    counter = Moments(LOCKS)
    go(undisturbed, revision, direction, engine=watched(undisturbed.url, counter))
    assert counter.count > 0
    writes = revision < "0009" and (revision, direction) != ("0005", Direction.DOWN)
    for at in range(1, counter.count + 1):
        place = f"{revision} {direction}, lock {at} of {counter.count}"
        chain = start(revision, direction, chain_at)
        fired: list[int] = []
        written: list[int] = []

        def disturb(
            chain: Chain = chain, fired: list[int] = fired, written: list[int] = written
        ) -> None:
            fired.append(own_that_fire(chain))
            touch(chain, OFF_AND_ON[0])
            if writes:
                # It slips past. Where the table refuses it without triggers, nothing was written.
                with suppress(psycopg.errors.NotNullViolation):
                    written.append(write_old_style(chain, revision, "within"))
            touch(chain, OFF_AND_ON[1])
            assert own_that_fire(chain) == fired[0], "a dead trigger came to life"
            if writes:
                written.append(write_old_style(chain, revision, "within"))

        engine = watched(chain.url, Moments(LOCKS, at, disturb))
        if ended_anyway(chain, revision, direction, engine):
            assert_whole(chain, written, place)
            continue
        take_back(chain)
        repair_all(chain.runner(), verify_all(chain.runner()))
        go(chain, revision, direction)
        assert_whole(chain, written, place)


def take_back(chain: Chain) -> None:
    """What slipped past may stop the second half of an abandon; the next one goes the other way."""
    for _ in range(3):
        with suppress(CheckFailed, StepInterrupted):
            chain.runner().abandon()
            return
    raise AssertionError("abandon is a dead end")


def ended_anyway(chain: Chain, revision: str, direction: Direction, engine: Engine) -> bool:
    """Whether the step ended although it was disturbed: no trigger that it needs was touched."""
    try:
        go(chain, revision, direction, engine=engine)
    except (CheckFailed, StepInterrupted) as refused:
        # The disturbance itself, or a row that slipped past: either is loud.
        assert "abandon" in str(refused)
        return False
    assert not chain.query(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'A' AND"
        " (tgname LIKE 'AA!_refactor%' ESCAPE '!' OR tgname LIKE '~refactor%')"
    )
    return True


def assert_whole(chain: Chain, written: list[int], place: str) -> None:
    verified = verify_all(chain.runner())
    assert [v.findings for v in verified.verdicts if v.findings] == [], place
    for id in written:
        table = (
            CHILD
            if chain.query("SELECT WHERE to_regclass('public." + CHILD + "') IS NOT NULL")
            else WIDE
        )
        found = chain.query(f"SELECT leaving_reason FROM public.{table} WHERE id = {id}")
        assert found == [("within",)], place


BATCH = re.compile("SELECT first, last FROM")


def drop_one(chain: Chain) -> None:
    """Drop a trigger of the tool that fires."""
    ((name, table),) = chain.query(
        "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        " AND tgenabled = 'A' AND (tgname LIKE 'AA!_refactor%' ESCAPE '!'"
        " OR tgname LIKE '~refactor%') ORDER BY tgname LIMIT 1"
    )
    chain.run(f'DROP TRIGGER "{name}" ON {table}')


@pytest.mark.parametrize(
    ("revision", "direction"),
    [
        ("0003", Direction.UP),
        pytest.param("0004", Direction.UP, marks=pytest.mark.slow),
        pytest.param("0007", Direction.UP, marks=pytest.mark.slow),
        pytest.param("0008", Direction.UP, marks=pytest.mark.slow),
        pytest.param("0009", Direction.DOWN, marks=pytest.mark.slow),
        pytest.param("0005", Direction.DOWN, marks=pytest.mark.slow),
    ],
)
def test_a_trigger_that_is_dropped_between_two_runs_of_a_step_stops_the_second(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    """The client dies before each action; the trigger is dropped before it goes on."""
    at = 0
    while True:
        at += 1
        chain = start(revision, direction, chain_at)
        if not killed(chain, revision, direction, ACTION, at):
            break
        if not own_that_fire(chain):
            continue
        drop_one(chain)
        for _ in range(2):
            with pytest.raises(CheckFailed, match=r"is (gone|missing)"):
                go(chain, revision, direction)
        take_back(chain)
        # Where the step had done nothing yet, the trigger is one of those between two steps.
        repair_objects(chain.runner())
        go(chain, revision, direction)
        assert_whole(chain, [], f"{revision} {direction}, action {at}")
    assert at > 1


@pytest.mark.parametrize(
    ("revision", "direction"),
    [("0004", Direction.UP), pytest.param("0009", Direction.UP, marks=pytest.mark.slow)],
)
def test_a_trigger_that_is_dropped_while_a_lock_is_waited_for_stops_the_step(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    """After the question was asked, so it is asked again under the lock."""
    undisturbed = start(revision, direction, chain_at)
    counter = Moments(LOCKS)
    go(undisturbed, revision, direction, engine=watched(undisturbed.url, counter))
    chain = start(revision, direction, chain_at)
    last = Moments(LOCKS, 1, lambda: drop_one(chain))

    with pytest.raises(StepInterrupted, match="is gone"):
        go(chain, revision, direction, engine=watched(chain.url, last))
    with pytest.raises(CheckFailed, match="is gone"):
        go(chain, revision, direction)

    take_back(chain)
    go(chain, revision, direction)
    assert_whole(chain, [], revision)


@pytest.mark.parametrize(
    ("revision", "direction"),
    [
        ("0003", Direction.UP),
        pytest.param("0007", Direction.UP, marks=pytest.mark.slow),
        pytest.param("0009", Direction.DOWN, marks=pytest.mark.slow),
    ],
)
def test_a_trigger_that_is_dropped_while_rows_are_copied_stops_the_step(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    undisturbed = start(revision, direction, chain_at)
    counter = Moments(BATCH)
    go(undisturbed, revision, direction, engine=watched(undisturbed.url, counter))
    chain = start(revision, direction, chain_at)
    half = Moments(BATCH, (counter.count + 1) // 2, lambda: drop_one(chain))

    with pytest.raises(CheckFailed, match="is gone"):
        go(chain, revision, direction, engine=watched(chain.url, half))
    with pytest.raises(CheckFailed, match="is gone"):
        go(chain, revision, direction)

    chain.runner().abandon()
    go(chain, revision, direction)
    assert_whole(chain, [], revision)


@pytest.mark.parametrize(
    ("revision", "direction"),
    [("0003", Direction.UP), pytest.param("0008", Direction.UP, marks=pytest.mark.slow)],
)
def test_triggers_turned_off_within_a_step_stop_it_before_its_end(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    """Without the ENABLE that would have been noticed at the next step only."""
    undisturbed = start(revision, direction, chain_at)
    counter = Moments(LOCKS)
    go(undisturbed, revision, direction, engine=watched(undisturbed.url, counter))
    chain = start(revision, direction, chain_at)
    last = Moments(LOCKS, counter.count, lambda: touch(chain, OFF_AND_ON[0]))

    with pytest.raises(CheckFailed, match="own triggers fire"):
        go(chain, revision, direction, engine=watched(chain.url, last))

    chain.runner().abandon()
    go(chain, revision, direction)
    assert_whole(chain, [], revision)
