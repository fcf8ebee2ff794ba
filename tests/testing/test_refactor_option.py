"""`pytest --refactor` in projects of their own: which tests there are, and when they fail."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.processes import environment, query
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import PLANS, ROWS, TABLE, Project, Revision, new_project

# What each row of the plan's columns may be, so that every kind of row is made.
OPEN = TABLE.replace("ordered_on date NOT NULL", "ordered_on date, shop text").replace(
    "customer_id integer NOT NULL", "customer_id integer REFERENCES customer"
)
CUSTOMERS = "CREATE TABLE customer (id integer PRIMARY KEY, name varchar(5) NOT NULL)"
BEGIN = Revision.sql("a1_lines", CUSTOMERS, OPEN, down="DROP TABLE order_line, customer")
STEPS = (
    *("copy_table", "dual_write", "retire_source", "create_parent", "rebuild_parent"),
    *("link_children", "stop_parallel_save", "drop_deprecated_columns", "drop_retired_table"),
)


def guest(folder: Path, url: str, *revisions: Revision) -> Project:
    """A project with a plan whose key may have gaps, near keys and rows that disagree."""
    project = new_project(folder, url, revisions=(BEGIN, *revisions))
    plans = PLANS.replace('"ordered_on")', '"ordered_on", "shop")').replace(".AGREE", ".LATEST")
    (folder / "shop_plans.py").write_text(plans)
    ini = folder / "alembic.ini"
    ini.write_text(ini.read_text() + "\n[membership_refactor]\nplans = shop_plans:ORDERS\n")
    return project


def ran(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Its pytest, on the server of the project's database."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider"),
            *("--refactor-url", project.url, *arguments),
        ],
        cwd=project.folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def steps(*names: str) -> tuple[Revision, ...]:
    return tuple(Revision.step(f"r{STEPS.index(name) + 2}_{name}", name) for name in names)


def test_the_tests_of_a_plan_pass_beside_those_of_the_project(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = guest(tmp_path, new_database(), *steps("copy_table"))
    (tmp_path / "test_shop.py").write_text("def test_of_the_shop(): pass\n")
    report = tmp_path / "report.xml"
    done = ran(project, "--refactor", "--junit-xml", str(report))
    assert done.returncode == 0, done.stdout + done.stderr
    cases = [
        (c.get("classname"), c.get("name")) for c in ElementTree.parse(report).iter("testcase")
    ]
    assert cases == [
        ("test_shop", "test_of_the_shop"),
        ("refactor.orders", "the rows are made"),
        ("refactor.orders", "up, down and up: r2_copy_table (copy_table)"),
        ("refactor.orders", "interrupted at each action: r2_copy_table (copy_table)"),
        (
            "refactor.orders",
            "written to by old and new applications: r2_copy_table (copy_table)",
        ),
        ("refactor.orders", "up, down and up: the whole plan"),
    ]
    # The project's own database was not touched.
    assert query(project.url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [
        (0,)
    ]


def test_without_the_option_nothing_is_added(tmp_path: Path, new_database: NewDatabase) -> None:
    project = guest(tmp_path, new_database(), *steps("copy_table"))
    (tmp_path / "test_shop.py").write_text("def test_of_the_shop(): pass\n")
    done = ran(project)
    assert "1 passed" in done.stdout and "refactor/" not in done.stdout, done.stdout


def test_a_revision_that_loses_a_value_fails_by_name(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    loses = Revision(
        "r2_copy_table",
        "op.copy_table(ORDERS)",
        "op.undo_copy_table(ORDERS); op.execute('UPDATE order_line SET note = 7 WHERE id = 2')",
    )
    done = ran(guest(tmp_path, new_database(), loses), "--refactor", "-k", "r2_copy_table")
    assert done.returncode == 1 and "2 failed" in done.stdout, done.stdout + done.stderr
    assert 'plan "orders" differs after r2_copy_table (copy_table) went up and down' in done.stdout
    assert "table \"order_line\", id 2: note was '1 note', is '7'" in done.stdout


def test_a_revision_that_leaves_an_index_behind_fails_by_name(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    leaves = Revision(
        "r2_copy_table",
        "op.copy_table(ORDERS)",
        "op.undo_copy_table(ORDERS); op.execute('CREATE INDEX left_behind ON order_line (sku)')",
    )
    done = ran(guest(tmp_path, new_database(), leaves), "--refactor", "-k", "r2_copy_table")
    assert "2 failed" in done.stdout and "left_behind" in done.stdout, done.stdout


def test_a_revision_that_does_something_again_after_an_interruption_fails(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    adds = Revision(
        "r2_copy_table",
        "op.execute('UPDATE order_line SET quantity = quantity + 1'); op.copy_table(ORDERS)",
        "op.undo_copy_table(ORDERS); op.execute('UPDATE order_line SET quantity = quantity - 1')",
    )
    done = ran(guest(tmp_path, new_database(), adds), "--refactor", "-k", "r2_copy_table")
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert "interruptions of r2_copy_table (copy_table)" in done.stdout
    told = re.search(r"id 1: quantity was (\d+), is (\d+)", done.stdout)
    assert told is not None and int(told[2]) > int(told[1]), done.stdout


def test_a_revision_that_lets_a_write_get_lost_fails(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    loses = Revision(
        "r3_dual_write",
        "op.dual_write(ORDERS); op.execute('ALTER TABLE order_line DISABLE TRIGGER USER')",
        "op.execute('ALTER TABLE order_line ENABLE TRIGGER USER'); op.undo_dual_write(ORDERS)",
    )
    project = guest(tmp_path, new_database(), *steps("copy_table"), loses)
    done = ran(project, "--refactor", "-k", "written and r3_dual_write")
    assert "1 failed" in done.stdout, done.stdout + done.stderr
    assert "Checks do not hold after r3_dual_write (dual_write)" in done.stdout


def test_a_table_that_takes_a_kind_of_rows_not_says_so(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    project = guest(tmp_path, new_database(), *steps("copy_table"))
    first = project.folder / "migrations/versions/a1_lines.py"
    project.edit("shop text,", "shop text CHECK (shop = lower(shop)),", first)
    done = ran(project, "--refactor", "-k", "made")
    assert "takes no rows of these kinds" in done.stdout, done.stdout
    assert "shop in capitals: new row for relation" in done.stdout


def test_rows_of_a_file_are_taken(tmp_path: Path, new_database: NewDatabase) -> None:
    project = guest(tmp_path, new_database(), *steps("copy_table"))
    (tmp_path / "tests/refactor").mkdir(parents=True)
    (tmp_path / "tests/refactor/orders.sql").write_text(
        f"INSERT INTO customer SELECT n, n FROM generate_series(0, 7) AS n; {ROWS}"
    )
    done = ran(project, "--refactor")
    assert done.returncode == 0, done.stdout
    (tmp_path / "tests/refactor/orders.sql").write_text("INSERT INTO order_lines VALUES (1)")
    done = ran(project, "--refactor", "-k", "made")
    assert 'relation "order_lines" does not exist' in done.stdout, done.stdout


def test_a_project_without_a_plan_is_told_in_a_line(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    done = ran(new_project(tmp_path, new_database(), revisions=(BEGIN,)), "--refactor")
    assert done.returncode == 4, done.stdout
    assert "registers no plan. Let `membership-refactor new TABLE` write one." in done.stderr


def test_a_named_database_is_rehearsed_on(tmp_path: Path, new_database: NewDatabase) -> None:
    project = guest(tmp_path, new_database(), *steps("copy_table"))
    project.upgraded("a1_lines")
    arguments = ("--refactor", "--rehearsal-url", project.url, "-k", "rehearsal")
    done = ran(project, *arguments)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    query(project.url, "DROP TABLE order_line")
    done = ran(project, *arguments)
    assert 'There is no table "order_line"' in done.stdout, done.stdout


@pytest.mark.slow
def test_every_revision_of_a_plan(tmp_path: Path, new_database: NewDatabase) -> None:
    done = ran(guest(tmp_path, new_database(), *steps(*STEPS)), "--refactor")
    assert done.returncode == 0 and "29 passed" in done.stdout, done.stdout + done.stderr
