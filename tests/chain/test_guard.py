"""What is done to the tables and to our triggers in the weeks between two steps is noticed.

Every step, up and down, and ``checks`` compare what must stand with what stands. ``repair`` makes
the tool's own objects again.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from membership_refactor.checks.guard import guard
from membership_refactor.errors import CannotCarry, CheckFailed
from membership_refactor.inspect.all_comparisons import (
    objects_to_repair,
    repair_all,
    repair_objects,
    verify_all,
)
from tests.chain.driver import Chain, snapshot
from tests.fixtures.chains import ChainAt

WIDE, COPY = "public.programme_membership", "public.curriculum_membership"
NEXT = {
    "0003": "dual_write",
    "0004": "retire_source",
    "0005": "create_parent",
    "0006": "rebuild_parent",
    "0007": "link_children",
    "0008": "stop_parallel_save",
    "0009": "drop_deprecated_columns",
}
STEP = {
    "0003": "copy_table",
    "0004": "dual_write",
    "0005": "retire_source",
    "0006": "create_parent",
    "0007": "rebuild_parent",
    "0008": "link_children",
    "0009": "stop_parallel_save",
}


def own_triggers(chain: Chain) -> list[tuple[str, str]]:
    return [
        (name, table)
        for name, table in chain.query(
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal "
            "AND (tgname LIKE 'AA!_refactor%' ESCAPE '!' OR tgname LIKE '~refactor%') ORDER BY 1, 2"
        )
    ]


def broken(chain: Chain) -> list[str]:
    """What the guard says, as ``checks`` asks it."""
    return [key for check in guard(chain.names) for (key,) in chain.query(check.query)]


def disable_and_enable(chain: Chain, table: str) -> None:
    """What fixtures and bulk loads do: ALWAYS becomes ORIGIN."""
    chain.run(
        f"ALTER TABLE {table} DISABLE TRIGGER USER", f"ALTER TABLE {table} ENABLE TRIGGER USER"
    )


def drop_one(chain: Chain, table: str) -> None:
    name = next(n for n, t in own_triggers(chain) if f"public.{t}" == table)
    chain.run(f'DROP TRIGGER "{name}" ON {table}')


def replace_function(chain: Chain, table: str) -> None:
    """The function behind a trigger does nothing any more."""
    name = next(n for n, t in own_triggers(chain) if f"public.{t}" == table)
    (function,) = chain.query(
        f"SELECT tgfoid::regproc::text FROM pg_trigger WHERE tgname = '{name}'"
        f" AND tgrelid = '{table}'::regclass"
    )[0]
    chain.run(
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END'"
    )


@pytest.mark.parametrize(
    ("revision", "damage"),
    [
        pytest.param(r, damage, marks=() if (i + j) % 3 == 0 else pytest.mark.slow)
        for i, r in enumerate(("0003", "0004", "0007", "0008", "0009"))
        for j, damage in enumerate((disable_and_enable, drop_one, replace_function))
    ],
)
def test_damaged_triggers_stop_both_ways_and_are_made_again(
    revision: str, damage: Callable[[Chain, str], None], chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    before = snapshot(chain)
    assert broken(chain) == []

    damage(chain, COPY)

    assert broken(chain)
    with pytest.raises(CheckFailed, match=r"repair --apply"):
        chain.runner().upgrade(NEXT[revision])
    with pytest.raises(CheckFailed, match=r"repair --apply"):
        chain.runner().downgrade(STEP[revision])
    assert set(broken(chain)) <= set(objects_to_repair(chain.runner()))
    assert repair_objects(chain.runner())
    assert objects_to_repair(chain.runner()) == ()
    assert broken(chain) == []
    assert snapshot(chain) == before
    chain.runner().upgrade(NEXT[revision])


def test_writes_that_slipped_past_a_disabled_trigger_are_mended_after_it(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0004")
    disable_and_enable(chain, WIDE)
    chain.run(
        f"UPDATE {WIDE} SET rotation = 'slipped' WHERE person_id = 2",
        settings=("SET LOCAL session_replication_role = replica",),
    )
    runner = chain.runner()

    repair_objects(runner)
    repair_all(runner, verify_all(runner))

    assert verify_all(runner).count == 0
    assert {row["rotation"] for row in chain.child().values() if row["person_id"] == "2"} == {
        "slipped"
    }


@pytest.mark.parametrize("revision", ["0003", "0004"])
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            (f"ALTER TABLE {WIDE} ADD COLUMN x int", f"ALTER TABLE {COPY} ADD COLUMN x int"),
            'column "x"',
        ),
        ((f"ALTER TABLE {WIDE} ADD COLUMN x int",), 'column "x"'),
        ((f"ALTER TABLE {COPY} ADD COLUMN x int",), 'column "x"'),
        (
            (
                f"ALTER TABLE {WIDE} DROP COLUMN leaving_reason",
                f"ALTER TABLE {COPY} DROP COLUMN leaving_reason",
            ),
            'column "leaving_reason"',
        ),
        (
            (
                f"ALTER TABLE {WIDE} RENAME COLUMN rotation TO turn",
                f"ALTER TABLE {COPY} RENAME COLUMN rotation TO turn",
            ),
            'column "turn"',
        ),
        ((f"ALTER TABLE {COPY} ALTER COLUMN rotation TYPE varchar(90)",), "rotation"),
        (("CREATE TABLE public.part () INHERITS (public.curriculum_membership)",), "public.part"),
        (("CREATE TABLE public.part () INHERITS (public.programme_membership)",), "public.part"),
    ],
)
def test_columns_and_children_that_nobody_follows_stop_both_ways(
    revision: str, changes: tuple[str, ...], named: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    chain.run(*changes)

    with pytest.raises(CannotCarry) as up:
        chain.runner().upgrade(NEXT[revision])
    with pytest.raises(CannotCarry) as down:
        chain.runner().downgrade(STEP[revision])

    assert named.removeprefix("public.") in str(up.value)
    assert named.removeprefix("public.") in str(down.value)


@pytest.mark.parametrize("revision", ["0005", "0007", "0008", "0009"])
def test_a_column_added_to_the_child_alone_goes_up_and_is_refused_before_it_would_be_lost(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    chain.run(f"ALTER TABLE {COPY} ADD COLUMN x int", f"UPDATE {COPY} SET x = 7")

    with pytest.raises(CannotCarry, match='column "x"'):
        chain.down_to("0004", before=revision)

    chain.runner().upgrade(NEXT[revision])
    assert chain.value(f"SELECT min(x) FROM {COPY}") == 7
    chain.runner().downgrade(NEXT[revision])
    assert chain.value(f"SELECT min(x) FROM {COPY}") == 7


def test_a_column_of_the_parent_is_refused_before_its_table_is_emptied(chain_at: ChainAt) -> None:
    chain = chain_at("0008")
    chain.run(f"ALTER TABLE {WIDE} ADD COLUMN x int")

    with pytest.raises(CannotCarry, match='column "x"'):
        chain.down_to("0006", before="0008")

    chain.runner().downgrade("link_children")


@pytest.mark.parametrize("revision", ["0003", "0007", "0008"])
def test_indexes_comments_and_grants_that_came_meanwhile_are_no_obstacle(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    chain.run(
        f"CREATE INDEX fresh ON {COPY} (curriculum_id)",
        f"COMMENT ON TABLE {COPY} IS 'changed meanwhile'",
        f"GRANT SELECT ON {COPY} TO PUBLIC",
    )

    chain.runner().upgrade(NEXT[revision])
    chain.runner().downgrade(NEXT[revision])


def test_a_fence_of_another_cluster_is_named_and_renewed(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    fence = chain.names.own("fence")
    chain.run(
        f"CREATE OR REPLACE FUNCTION {fence}() RETURNS boolean LANGUAGE sql STABLE RETURN "
        "pg_visible_in_snapshot('999999999999'::xid8, pg_current_snapshot())"
    )
    assert broken(chain) == [fence]

    repair_objects(chain.runner())

    assert broken(chain) == []
    assert chain.value(f"SELECT {fence}()") is True


def test_a_step_renews_the_fence_of_a_restored_database_by_itself(chain_at: ChainAt) -> None:
    chain = chain_at("0003")
    fence = chain.names.own("fence")
    chain.run(
        f"CREATE OR REPLACE FUNCTION {fence}() RETURNS boolean LANGUAGE sql STABLE RETURN "
        "pg_visible_in_snapshot('999999999999'::xid8, pg_current_snapshot())"
    )

    chain.runner().upgrade("dual_write")

    assert chain.value(f"SELECT {fence}()") is True
