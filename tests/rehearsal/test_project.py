"""A project of somebody else: its env.py says where the database is, and is not run for the clone,
where its revisions are run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.processes import environment
from tests.docs.blocks import ROOT
from tests.docs.test_plan_page import write_project
from tests.fixtures.databases import TemplateDatabase
from tests.rehearsal.orders import orders

ENV = """
from pathlib import Path

from sqlalchemy import MetaData

from membership_refactor import environment

with Path("runs").open("a") as file:
    file.write("env.py was run\\n")
environment.run(MetaData())
"""


def test_the_plan_is_found_in_the_revisions_and_they_are_run_both_ways(
    template_database: TemplateDatabase, tmp_path: Path
) -> None:
    chain = orders(template_database, "UPDATE public.order_line SET discount = 1")
    write_project(tmp_path)
    (tmp_path / "alembic" / "env.py").write_text(ENV)

    ended = subprocess.run(
        [sys.executable, "-m", "membership_refactor.cli", "rehearse", "--to", "0004"],
        cwd=tmp_path,
        env=environment(
            DATABASE_URL=chain.url, PYTHONPATH=os.pathsep.join([str(ROOT / "src"), "."])
        ),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert 'Rehearsal of plan "orders" in schema "public": nothing was found' in ended.stdout
    assert "0004 up again: dual_write" in ended.stderr
    assert (tmp_path / "runs").read_text() == "env.py was run\n"
    assert chain.value("SELECT to_regclass('public.ordered_article') IS NULL")


def test_a_project_with_revisions_for_some_steps_is_told_how_far_they_go(
    template_database: TemplateDatabase, tmp_path: Path
) -> None:
    chain = orders(template_database, "UPDATE public.order_line SET discount = 1")
    write_project(tmp_path)
    (tmp_path / "alembic" / "env.py").write_text(ENV)
    for file in (tmp_path / "alembic" / "versions").glob("*.py"):
        if file.name > "0004.py":
            file.unlink()

    def rehearsed(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "membership_refactor.cli", "rehearse", "--no-way-back", *more],
            cwd=tmp_path,
            env=environment(
                DATABASE_URL=chain.url, PYTHONPATH=os.pathsep.join([str(ROOT / "src"), "."])
            ),
            capture_output=True,
            text=True,
            check=False,
        )

    for more in ((), ("--to", "create_parent")):
        refused = rehearsed(*more)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert (
            "FAILED: The project has no revision for retire_source yet, and a rehearsal runs its "
            "revisions. Rehearse as far as they go: membership-refactor rehearse --to dual_write\n"
        ) in refused.stderr
    assert rehearsed("--to", "dual_write").returncode == 0
