"""The worked example of docs/guides/your-own-plan.md: every block is executed."""

from __future__ import annotations

import os
import pydoc
import re
import shlex
import subprocess
import sys
from pathlib import Path

import psycopg

from membership_refactor.database import libpq_url
from tests.cli.processes import environment
from tests.docs.blocks import ROOT, blocks, document
from tests.fixtures.databases import NewDatabase
from tests.fixtures.steps import STEPS

PAGE = "docs/guides/your-own-plan.md"


def write_project(folder: Path) -> None:
    plan, env, first = blocks(PAGE, "python")
    others = blocks(PAGE, "text")[0].split("\n")
    (folder / "alembic" / "versions").mkdir(parents=True)
    (folder / "plan_of_orders.py").write_text(plan)
    (folder / "alembic" / "env.py").write_text(env)
    (folder / "alembic" / "versions" / "0003_copy.py").write_text(first)
    (folder / "alembic.ini").write_text(
        "[alembic]\nscript_location = %(here)s/alembic\nprepend_sys_path = .\npath_separator = os\n"
    )
    before = "0003"
    for revision, verb in (line.split() for line in others if line):
        text = first.replace("copy_table", verb).replace(
            "down_revision = None", f'down_revision = "{before}"'
        )
        text = text.replace('revision = "0003"', f'revision = "{revision}"', 1)
        (folder / "alembic" / "versions" / f"{revision}.py").write_text(text)
        before = revision


def rows(url: str, query: str) -> str:
    with psycopg.connect(libpq_url(url)) as connection:
        found = connection.execute(query.encode()).fetchall()
    shown = [["" if v is None else v for v in row] for row in found]
    return "".join(
        "|".join("{" + ",".join(v) + "}" if isinstance(v, list) else str(v) for v in row) + "\n"
        for row in shown
    )


def test_the_page_names_the_steps_from_0004_in_order() -> None:
    listed = [tuple(line.split()) for line in blocks(PAGE, "text")[0].splitlines()]
    assert listed == [(revision, step.name) for revision, step in STEPS.items()][3:]


def test_the_worked_example_does_what_the_page_says(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    url = new_database()
    create, query = blocks(PAGE, "sql")
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(create.encode())
    write_project(tmp_path)
    (shell,) = blocks(PAGE, "sh")
    env = environment(DATABASE_URL=url, PYTHONPATH=os.pathsep.join([str(ROOT / "src"), "."]))
    for line in shell.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "alembic"
        done = subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    # Numbers print their scale, as psql does.
    assert rows(url, query) == blocks(PAGE, "text")[1]


def test_the_functions_that_the_page_names_exist() -> None:
    named = re.findall(r"`(membership_refactor(?:\.\w+)+)`", document(PAGE))
    assert named
    assert [name for name in named if pydoc.locate(name) is None] == []
