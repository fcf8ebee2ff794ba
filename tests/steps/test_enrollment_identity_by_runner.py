"""Revision 0002 by the runner that the chain uses: interrupted, taken up, abandoned, raced."""

from __future__ import annotations

from io import StringIO

import pytest
from sqlalchemy import Engine

from membership_refactor.enrollment.unique_index import perform
from membership_refactor.errors import CheckFailed, RefactorError, StepInterrupted
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.steps.enrollment_identity import UniqueIndex
from tests.enrollment.interruption import INTERRUPTION, interrupted
from tests.enrollment.tables import CONSTRAINTS, enrol, opened, run, unconstrained
from tests.enrollment.test_add_constraints import standing, structure
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.steps import SHIPPED as CHAIN


def runner(engine: Engine) -> Runner:
    return Runner(
        engine,
        SPLIT,
        "public",
        CHAIN,
        progress=Progress(StringIO()),
        performers={UniqueIndex: perform},
    )


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    """An adopted table with rows; the chain stands at 0001."""

    def build(url: str) -> None:
        unconstrained(url)
        with opened(url) as engine:
            with engine.begin() as connection:
                for number in range(5):
                    enrol(connection, number, f"k{number}")
            runner(engine).upgrade("legacy_baseline")

    return template_database("enrollment adopted", build)


def test_an_adopted_table_gets_no_check_that_its_rows_may_break(url: str) -> None:
    with opened(url) as engine:
        with engine.begin() as connection:
            odd = enrol(connection, 77, " padded ", status="withdrawn")
        runner(engine).upgrade("enrollment_identity")
        assert standing(engine) == set(CONSTRAINTS)
        with engine.begin() as connection:
            run(connection, "UPDATE program_enrollment SET user_id = 78 WHERE id = %s", odd)


def test_duplicates_stop_the_revision_and_leave_nothing_open(url: str) -> None:
    with opened(url) as engine:
        bare = structure(engine)
        with engine.begin() as connection:
            enrol(connection, 1, None)
        with pytest.raises(CheckFailed, match="no user_id occurs twice"):
            runner(engine).upgrade("enrollment_identity")
        assert structure(engine) == bare
        assert runner(engine).abandon() is None


@pytest.mark.slow
def test_interrupted_at_every_statement_it_is_taken_up_or_abandoned(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(url) as engine:
        bare = structure(engine)
        with interrupted(monkeypatch) as counter:
            runner(engine).upgrade("enrollment_identity")
        statements, whole = counter.count, structure(engine)
        runner(engine).downgrade("enrollment_identity")
        assert structure(engine) == bare
        for number in range(1, statements + 1):
            with (
                pytest.raises((*INTERRUPTION, StepInterrupted, RefactorError)),
                interrupted(monkeypatch, after=number),
            ):
                runner(engine).upgrade("enrollment_identity")
            engine.dispose()
            if number % 2:
                runner(engine).abandon()
                assert structure(engine) == bare, number
            runner(engine).upgrade("enrollment_identity")
            assert structure(engine) == whole, number
            runner(engine).downgrade("enrollment_identity")
            assert structure(engine) == bare, number
