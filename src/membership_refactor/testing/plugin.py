"""pytest plugin: `pytest --refactor` tests every plan of the project, and a fixture rehearses one.

`pytest --refactor` adds tests for each plan that the project registers. They run its revisions in
scratch databases, never in a database of the project.

The fixture ``rehearsal`` runs the chain of a plan on a clone of a database.

    def test_the_split_of_our_orders(rehearsal):
        rehearsal(ORDERS, config="alembic.ini", rows=1000)

The database is ``--rehearsal-url``, or else DATABASE_URL. It is only read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from membership_refactor.planning import TableSplit
    from membership_refactor.rehearsal import Rehearsal


class Rehearse(Protocol):
    """Rehearses a plan; see the fixture ``rehearsal``."""

    def __call__(
        self,
        plan: TableSplit,
        *,
        url: str | None = None,
        schema: str = "public",
        config: str | Path | None = None,
        rows: int = 1000,
        to: str | None = None,
        fails: bool = True,
    ) -> Rehearsal: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rehearsal-url",
        metavar="URL",
        help="the database that the fixture `rehearsal` clones (default: DATABASE_URL); with "
        "--refactor, every plan is rehearsed on it",
    )
    group = parser.getgroup("membership_refactor")
    group.addoption(
        "--refactor", action="store_true", help="test every plan that alembic.ini registers"
    )
    group.addoption(
        "--refactor-url",
        metavar="URL",
        help="a superuser's URL of the server for the scratch databases of --refactor (default: a "
        "server that is started for the tests)",
    )
    group.addoption(
        "--refactor-config",
        metavar="FILE",
        default="alembic.ini",
        help="the configuration of Alembic, from pytest's root folder (default: alembic.ini)",
    )
    group.addoption(
        "--refactor-store",
        action="store_true",
        help="store the scripts of every plan in the folder of refactor_scripts, as they are "
        "printed today",
    )
    parser.addini(
        "refactor_scripts",
        "the folder with the scripts of --sql that the project stores, a folder for each plan; "
        "--refactor compares them with what is printed today",
        default="",
    )
    parser.addini(
        "refactor_folder",
        "the folder with PLAN.sql, which fills the tables of a plan for --refactor",
        default="tests/refactor",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add the tests of the plans; -k and -m choose among them too."""
    if session.config.getoption("refactor"):
        # Here, because every run of pytest imports this module.
        from membership_refactor.testing.plan_items import plan_items

        items.extend(plan_items(session))


@pytest.fixture
def rehearsal(pytestconfig: pytest.Config) -> Rehearse:
    """Rehearse a plan, and fail the test with the report where something is found.

    ``config`` is the alembic.ini whose revisions are run; without it the steps are run directly.
    ``to`` is the last step to take up. With ``fails=False`` the result is returned instead.
    """
    # Here, because every run of pytest imports this module.
    from alembic.config import Config

    from membership_refactor.environment import Request
    from membership_refactor.execution.progress import Progress
    from membership_refactor.rehearsal import Subject, Wanted, rehearse, report

    def run(
        plan: TableSplit,
        *,
        url: str | None = None,
        schema: str = "public",
        config: str | Path | None = None,
        rows: int = 1000,
        to: str | None = None,
        fails: bool = True,
    ) -> Rehearsal:
        database = url or pytestconfig.getoption("rehearsal_url") or os.environ.get("DATABASE_URL")
        if not database:
            pytest.fail("No database to rehearse on: give --rehearsal-url or DATABASE_URL.")
        done = rehearse(
            Subject(
                url=database,
                plan=plan,
                request=Request(schema=schema),
                config=Config(str(config)) if config is not None else None,
            ),
            Wanted(rows=rows, to=to, progress=Progress(quiet=True)),
        )
        if fails and not done.fine:
            pytest.fail(report.as_text(done), pytrace=False)
        return done

    return run
