"""Revision 0002 as a step: what it consists of, and the same as a psql script."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest

from membership_refactor.catalog.read import read_portrait
from membership_refactor.database import libpq_url
from membership_refactor.enrollment.merge import merge
from membership_refactor.plans.enrollment_step import STEP, constrained
from membership_refactor.plans.enrollment_tables import enrollment_tables
from membership_refactor.plans.program_enrollment import IDENTITY
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Portrait
from membership_refactor.sql.ddl.create import create_tables
from membership_refactor.sql.names import Names
from membership_refactor.steps.actions import Action, Brief, Run, Verify
from membership_refactor.steps.enrollment_identity import UniqueIndex
from membership_refactor.steps.step import Situation
from tests.enrollment.tables import CONSTRAINTS, opened, unconstrained
from tests.enrollment.test_add_constraints import standing, structure
from tests.enrollment.test_racing_duplicates import invalid, leave_fence, leave_idle
from tests.fixtures.databases import NewDatabase, TemplateDatabase
from tests.fixtures.sessions import Stage

PSQL = shutil.which("psql")
needs_psql = pytest.mark.skipif(PSQL is None, reason="no psql on this machine")
SITUATION = Situation(Names(SPLIT, "public"))


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    return template_database("enrollment unconstrained", unconstrained)


def text(action: Action) -> str:
    """The action as psql text; batches and records are the scripts' own business."""
    if isinstance(action, UniqueIndex):
        return action.script
    if isinstance(action, Verify):
        return ";\n".join(check.raising.text for check in action.checks) + ";"
    assert isinstance(action, (Run, Brief))
    return ";\n".join(statement.text for statement in action.statements) + ";"


def psql(url: str, script: str) -> subprocess.CompletedProcess[str]:
    assert PSQL is not None
    return subprocess.run(
        [PSQL, "-X", "-v", "ON_ERROR_STOP=1", "-d", libpq_url(url), "-f", "-"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )


def up() -> str:
    return "\n".join(text(action) for action in STEP.up(SITUATION))


def down() -> str:
    return "\n".join(text(action) for action in STEP.down(SITUATION))


def test_its_keys_are_those_that_ledgers_hold() -> None:
    assert [action.key for action in STEP.up(SITUATION)] == [
        "list_constraints",
        "add_check",
        "check_rows",
        "validate_check",
        "build_index:uq_program_enrollment_user",
        "build_index:uq_program_enrollment_key",
        "attach_constraints",
    ]
    assert [action.key for action in STEP.down(SITUATION)] == [
        "list_constraints",
        "drop_constraints",
        "drop_index:uq_program_enrollment_user",
        "drop_index:uq_program_enrollment_key",
    ]


@needs_psql
def test_a_script_brings_the_constraints_and_another_takes_them_away(url: str) -> None:
    with opened(url) as engine:
        bare = structure(engine)
        for _ in range(2):
            done = psql(url, up())
            assert done.returncode == 0, done.stderr
            assert standing(engine) == set(CONSTRAINTS)
        done = psql(url, down())
        assert done.returncode == 0, done.stderr
        assert structure(engine) == bare


@needs_psql
@pytest.mark.parametrize("leave", [leave_idle, leave_fence])
def test_a_script_stops_at_duplicates_and_takes_invalid_left_overs_away(
    url: str, on_stage: Callable[[str], Stage], leave: Callable[[Stage], None]
) -> None:
    leave(on_stage(url))
    with opened(url) as engine:
        stopped = psql(url, up())
        assert stopped.returncode == 3
        assert "could not create unique index" in stopped.stderr
        merge(engine, IDENTITY, "public")
        done = psql(url, up())
        assert done.returncode == 0, done.stderr
        assert standing(engine) == set(CONSTRAINTS)
        assert invalid(engine) == []


@needs_psql
def test_the_portrait_that_the_step_promises_is_the_one_that_stands(
    new_database: NewDatabase,
) -> None:
    url = new_database()
    before = enrollment_tables("public")
    with opened(url) as engine:
        with engine.begin() as connection:
            for statement in create_tables(before):
                connection.execution_options(no_parameters=True).exec_driver_sql(statement.text)
        done = psql(url, up())
        assert done.returncode == 0, done.stderr
        with engine.connect() as connection:
            names = [table.name for table in before.tables]
            now = read_portrait(connection, "public", names)
        assert facts(now) == facts(constrained(before))


def facts(portrait: Portrait) -> set[tuple[str, str, str]]:
    made = {(t.name, c.name, c.definition) for t in portrait.tables for c in t.constraints}
    return made | {(t.name, i.name, i.definition) for t in portrait.tables for i in t.indexes}
