"""alembic-gauntlet and pytest-alembic pass in one project with steps, in a venv of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.processes import ROOT, environment
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import new_project
from tests.guest.test_empty_databases import ALL

TOOLS = ("alembic-gauntlet>=0.3", "pytest-alembic>=0.13", "pytest>=8.4,<9.2", "pytest-asyncio")
ENV = """\
    given = config.attributes.get("connection")
    if given is None:
        asyncio.run(run_async_migrations())
        return
    # The steps commit, so they need a connection outside of the caller's transaction.
    with given.engine.connect() as connection:
        do_run_migrations(connection)
"""
TESTS = """
import pytest
from alembic.config import Config
from alembic_gauntlet import MigrationTestBase
from pytest_alembic.tests import test_single_head_revision  # noqa: F401
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine


class TestMigrations(MigrationTestBase):
    migration_diff_ignore_tables = ["item", "purchase"]
    allowed_index_prefixes = allowed_fk_prefixes = allowed_check_prefixes = [""]
    allowed_uq_prefixes = allowed_pk_prefixes = [""]

    @pytest.fixture
    def alembic_config(self):
        return Config("alembic.ini")

    @pytest.fixture
    def migration_db_url(self):
        return {url!r}

    @pytest.fixture
    def orm_metadata(self):
        return MetaData()

    @pytest.fixture
    async def isolated_migration_schema(self, migration_engine):
        yield "public"
        async with migration_engine.begin() as connection:
            for statement in (
                "DROP SCHEMA IF EXISTS public_refactor CASCADE",
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
            ):
                await connection.execute(text(statement))
"""


@pytest.mark.slow
def test_both_pass_in_one_project(tmp_path: Path, new_database: NewDatabase) -> None:
    venv, folder = tmp_path / "venv", tmp_path / "shop"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, timeout=120)
    python = venv / "bin" / "python"
    installed = subprocess.run(
        [str(python), "-m", "pip", "install", "-q", str(ROOT), "asyncpg", *TOOLS],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    if installed.returncode != 0:
        pytest.skip(f"no package index was reached: {installed.stderr[-200:]}")
    project = new_project(folder, new_database(), template="async", driver="asyncpg", revisions=ALL)
    project.edit("    asyncio.run(run_async_migrations())\n", ENV)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    url = project.config().get_main_option("sqlalchemy.url")
    (folder / "test_revisions.py").write_text(TESTS.replace("{url!r}", repr(url)))
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0 and "8 passed" in done.stdout, done.stdout + done.stderr
