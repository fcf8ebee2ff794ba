"""legacy_baseline: tables that are missing are created, and those that exist are adopted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import pytest
from sqlalchemy import Engine, text

from membership_refactor.environment import connect_engine
from membership_refactor.errors import CheckFailed
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Portrait
from membership_refactor.sql.names import Names
from membership_refactor.steps.actions import Run
from membership_refactor.steps.step import Direction, Situation
from tests.fixtures.databases import NewDatabase
from tests.fixtures.steps import SHIPPED as CHAIN
from tests.steps.situations import keys

STEP = CHAIN["legacy_baseline"]


def on(found: Portrait) -> Situation:
    return Situation(Names(SPLIT, "public"), {STEP.name: found}, found)


def created(s: Situation) -> list[str]:
    (action,) = STEP.up(s)
    assert isinstance(action, Run)
    texts = "\n".join(statement.text for statement in action.statements)
    return re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\S+)", texts)


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    engine = connect_engine(new_database(), "public")
    yield engine
    engine.dispose()


def runner(engine: Engine) -> Runner:
    return Runner(engine, SPLIT, "public", CHAIN, progress=Progress(StringIO()))


def test_its_keys_are_those_that_ledgers_hold() -> None:
    assert keys("legacy_baseline", Direction.UP) == ["create_tables"]
    assert {key.partition(":")[0] for key in keys("legacy_baseline", Direction.DOWN)} == {
        "drop_table"
    }


def test_in_an_empty_schema_it_creates_every_table_before_those_that_refer_to_it() -> None:
    found = created(on(Portrait(schema="public", tables=())))
    assert len(found) == len(CHAIN.tables)
    assert found.index('"public"."person"') < found.index('"public"."programme_membership"')
    dropped = [key.partition(":")[2] for key in keys("legacy_baseline", Direction.DOWN)]
    assert sorted(dropped) == sorted(found)
    assert dropped.index('"public"."programme_membership"') < dropped.index('"public"."person"')


def test_tables_that_exist_are_neither_created_nor_dropped() -> None:
    s = on(legacy_tables("public"))
    assert STEP.refusals(s) == ()
    assert created(s) == ['"public"."program_enrollment"', '"public"."program_course_enrollment"']
    assert len(STEP.down(s)) == 2


def test_only_tables_that_it_created_have_to_be_empty_on_the_way_down() -> None:
    """The rebuilt parent has the name of the wide table, which was adopted and stays."""
    adopted, made = on(legacy_tables("public")), on(Portrait(schema="public", tables=()))
    asked = {c.name: c.query for c in STEP.before_down(adopted)}["own tables are empty"]
    assert "'program_enrollment'" in asked and "programme_membership" not in asked
    asked = {c.name: c.query for c in STEP.before_down(made)}["own tables are empty"]
    assert "'programme_membership_retired'" in asked and "'curriculum_membership'" in asked


def test_a_table_of_another_shape_is_refused_with_the_difference() -> None:
    tables = legacy_tables("public")
    wide = tables.table("programme_membership")
    columns = tuple(replace(c, type="text") if c.name == "person_id" else c for c in wide.columns)
    changed = replace(
        tables,
        tables=tuple(replace(t, columns=columns) if t is wide else t for t in tables.tables),
    )
    refusals = STEP.refusals(on(changed))
    assert any("person_id" in line and "text" in line for line in refusals)


def test_it_goes_down_while_its_tables_are_empty_and_takes_the_ledger_along(
    engine: Engine,
) -> None:
    runner(engine).upgrade(STEP.name)
    runner(engine).downgrade(STEP.name)
    with engine.connect() as connection:
        left = connection.scalar(
            text("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        )
        ledger = connection.scalar(text("SELECT to_regnamespace('public_refactor') IS NULL"))
    assert (left, ledger) == (0, True)


def test_it_does_not_go_down_while_one_of_its_tables_holds_a_row(engine: Engine) -> None:
    runner(engine).upgrade(STEP.name)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO person (surname) VALUES ('Somebody')"))
    with pytest.raises(CheckFailed) as refused:
        runner(engine).downgrade(STEP.name)
    assert refused.value.keys == ("person",)


def test_run_again_it_changes_nothing(engine: Engine) -> None:
    query = text("SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1")
    runner(engine).upgrade(STEP.name)
    with engine.connect() as connection:
        before = connection.scalars(query).all()
    runner(engine).upgrade(STEP.name)
    with engine.connect() as connection:
        assert connection.scalars(query).all() == before
