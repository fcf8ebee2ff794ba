"""pytest-alembic's own tests pass in a project with steps between its revisions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.processes import environment
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import new_project
from tests.guest.test_connections import GENERIC

CONFTEST = """
import pytest
from sqlalchemy import create_engine


@pytest.fixture
def alembic_engine():
    return create_engine({url!r})
"""


@pytest.mark.slow
def test_its_tests_pass(tmp_path: Path, new_database: NewDatabase) -> None:
    project = new_project(tmp_path, new_database())
    handed = f"connectable = config.attributes.get('connection') or {GENERIC.partition(' = ')[2]}"
    project.edit(GENERIC, handed)
    (tmp_path / "conftest.py").write_text(CONFTEST.format(url=project.url))
    (tmp_path / "test_revisions.py").write_text(
        "from pytest_alembic.tests import (  # noqa: F401\n"
        "    test_single_head_revision, test_up_down_consistency, test_upgrade\n)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout + done.stderr
