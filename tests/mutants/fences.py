"""The fence not raised at one of the switches: an old snapshot does not see what was made since."""

from __future__ import annotations

import re

from membership_refactor.sql.own_statements import MARK
from tests.fixtures.sessions import Stage
from tests.mutants.mutant import Mutant, Mutation, mutant
from tests.mutants.scenes import RR, an_old_snapshot_deletes, to
from tests.races import test_the_way_down
from tests.races.pilot import Pilot
from tests.races.tables import assert_equal, assert_parents, execute, query

FENCE = rf"DO \$fence\$[\s\S]*?\$fence\$\s*({re.escape(MARK)})?;"


def not_raised_with(within: str) -> Mutation:
    """The switch that hangs ``within`` leaves the fence where it is."""

    def mutate(text: str) -> str:
        return re.sub(FENCE, "", text) if within in text else text

    return mutate


def an_old_snapshot_deletes_a_child(pilot: Pilot, stage: Stage) -> None:
    """The parent was made after it began: it cannot see it, and would leave it alone."""
    to(pilot, "0006")
    old = stage.session("old", RR)
    pilot.start(
        lambda runner: runner.upgrade("rebuild_parent"),
        until=r'SELECT .*_parent_build"',
        before=True,
    )
    old.begin()
    pilot.finish()
    old.outcome("DELETE FROM s.narrow WHERE id = 11")
    old.commit()
    assert_parents(pilot.url)


def an_old_snapshot_deletes_what_was_reconciled(pilot: Pilot, stage: Stage) -> None:
    """The row came after 0005, and into the archive after the old snapshot."""
    to(pilot, "0005")
    execute(pilot.url, *test_the_way_down.SINCE)
    old = stage.session("old", RR)
    old.begin()
    pilot.downgrade("0005")
    old.outcome("DELETE FROM s.narrow WHERE id > 100000")
    old.commit()
    assert_equal(pilot.url)


def an_old_snapshot_changes_a_parent(pilot: Pilot, stage: Stage) -> None:
    """It does not see the child that came while the columns were frozen, nor carries to it."""
    to(pilot, "0009")
    old = stage.session("old", RR)
    old.begin()
    ((uuid,),) = query(pilot.url, "SELECT parent_uuid FROM s.narrow WHERE id = 11")
    execute(pilot.url, f"INSERT INTO s.narrow (parent_uuid, curriculum) VALUES ('{uuid}', 1)")
    pilot.downgrade("0009")
    old.outcome(f"UPDATE s.wide SET rotation = 'old' WHERE uuid = '{uuid}'")
    old.commit()
    apart = (
        "SELECT c.id FROM s.narrow AS c JOIN s.wide AS p ON p.uuid = c.parent_uuid"
        " WHERE c.rotation IS DISTINCT FROM p.rotation"
    )
    assert query(pilot.url, apart) == []


MUTANTS: tuple[Mutant, ...] = (
    mutant("at 0003's switch", not_raised_with("m_to_copy_insert"), an_old_snapshot_deletes),
    mutant("at 0007's switch", not_raised_with("m_derive_insert"),
           an_old_snapshot_deletes_a_child),
    mutant("when the table is handed back", not_raised_with("m_to_source_insert"),
           an_old_snapshot_deletes_what_was_reconciled),
    mutant("on 0009's way down", not_raised_with("refill"), an_old_snapshot_changes_a_parent),
)  # fmt: skip
