"""drop_retired_table: the archive is gone, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.sql.ddl.create import create_table
from membership_refactor.sql.handover.retired import recreate_retired
from membership_refactor.steps.drop_retired_table import STEP
from membership_refactor.steps.step import Direction
from tests.chain.driver import snapshot
from tests.fixtures.chains import ChainAt
from tests.steps.situations import keys, situation

ARCHIVE = "programme_membership_retired"


def test_its_keys_are_those_that_ledgers_hold() -> None:
    assert keys("drop_retired_table", Direction.UP) == ["drop_archive"]
    assert keys("drop_retired_table", Direction.DOWN) == ["create_archive"]


def test_only_the_archive_leaves_the_portrait() -> None:
    s = situation("drop_retired_table")
    before, after = s.before("drop_retired_table"), STEP.becomes(s)
    assert [t for t in before.tables if t.name != ARCHIVE] == list(after.tables)


def test_parents_and_children_stay_as_they_are(chain_at: ChainAt) -> None:
    chain = chain_at("0010")
    before = snapshot(chain)
    chain.up("0011")
    after = snapshot(chain)
    assert before.tables.keys() - after.tables.keys() == {ARCHIVE}
    assert all(after.tables[name] == before.tables[name] for name in after.tables)


def test_its_downgrade_makes_an_empty_archive_of_the_same_shape(chain_at: ChainAt) -> None:
    chain = chain_at("0010")
    shape = chain.portrait().table(ARCHIVE)
    chain.up("0011")
    chain.down("0011")
    assert chain.retired() == {}
    assert chain.portrait().table(ARCHIVE).columns == shape.columns


def test_the_downgrade_of_retire_source_fills_the_archive_again(chain_at: ChainAt) -> None:
    chain = chain_at("0011")
    chain.down_to("0004")
    assert len(chain.source()) == len(chain.child()) > 0


def test_not_null_constraints_keep_the_names_of_the_source_in_the_archive_alone() -> None:
    """PostgreSQL 18 names them after the table that they were made with."""
    s = situation("drop_retired_table")
    source = s.before("retire_source").table(s.plan.source)
    named = replace(
        source,
        columns=tuple(replace(c, not_null_by_default=f"{c.name}_not_null") for c in source.columns),
    )
    clause = 'CONSTRAINT "id_not_null" NOT NULL'
    assert clause in "".join(x.text for x in recreate_retired(s.names, named))
    assert clause not in "".join(x.text for x in create_table(named))
