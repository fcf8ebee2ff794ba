"""Two plans in one history, one of them in two schemas, with one step that only a run can tell."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg

from membership_refactor.cli.verb import FINE, WRONG_USE
from membership_refactor.database import libpq_url
from tests.cli.processes import REFUSED, Ended, query
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import PLANS, TABLE, Project, Revision, new_project
from tests.guest.test_verbs import register

TWO = f"""{PLANS}
CUSTOMERS = TableSplit(
    name="customers",
    source="customer_line",
    copy="contact",
    parent="customer",
    link="customer_uuid",
    key=("customer_id",),
    parent_columns=(),
    child_columns=("sku", "note", "quantity", "ordered_on"),
)
BY_NAME = {{"orders": ORDERS, "customers": CUSTOMERS}}
"""
ARCHIVE = "CREATE SCHEMA archive"
IN_ARCHIVE = TABLE.replace("order_line", "archive.order_line")
CUSTOMER = TABLE.replace("order_line", "customer_line")
REVISIONS = (
    Revision.sql("01_tables", TABLE, ARCHIVE, IN_ARCHIVE, CUSTOMER, down="SELECT 1"),
    Revision.step("02_orders", "copy_table"),
    Revision(
        "03_customers",
        "import shop_plans; op.copy_table(shop_plans.CUSTOMERS)",
        "import shop_plans; op.undo_copy_table(shop_plans.CUSTOMERS)",
    ),
    Revision(
        "04_both",
        "import shop_plans; op.dual_write(ORDERS); op.dual_write(shop_plans.CUSTOMERS)",
        "import shop_plans; op.undo_dual_write(shop_plans.CUSTOMERS); op.undo_dual_write(ORDERS)",
    ),
)


def project_of(url: str, folder: Path) -> Project:
    project = new_project(folder, url, revisions=REVISIONS)
    (folder / "shop_plans.py").write_text(TWO)
    register(
        project, "plans = shop_plans:ORDERS, shop_plans:CUSTOMERS", "schemas = public, archive"
    )
    return project


def standing(done: Ended) -> list[tuple[str, str]]:
    assert done.status == FINE, done.out + done.err
    steps = json.loads(done.out)["steps"]
    return [(step["revision"], step["state"]) for step in steps[:2]]


def test_two_plans_one_of_them_in_two_schemas(new_database: NewDatabase, tmp_path: Path) -> None:
    url = new_database()
    project = project_of(url, tmp_path)
    project.upgraded("02_orders")
    # The version is a revision of the other plan.
    begun = project.refactor("status", "--plan", "customers")
    assert 'plan "customers" in schema "public": at 01_tables' in begun.out
    project.upgraded("03_customers")

    asked = project.refactor("status")
    assert asked.status == WRONG_USE
    assert "the project has 2 plans: orders, customers. Choose one: --plan NAME" in asked.said
    other = project.refactor("status", "--plan", "ordres")
    assert other.status == WRONG_USE and 'the project has no plan "ordres"' in other.said
    which = project.refactor("verify", "--plan", "orders")
    assert which.status == WRONG_USE and "is in 2 schemas: public, archive" in which.said

    json_ = ("--format", "json")
    both = [("02_orders", "up"), ("04_both", "to come")]
    for schema in ("public", "archive"):
        done = project.refactor("-x", f"schema={schema}", "status", "--plan", "orders", *json_)
        assert standing(done) == both
    done = project.refactor("status", "--plan", "customers", *json_)
    assert standing(done) == [("03_customers", "up"), ("04_both", "to come")]

    project.upgraded("head")
    for table in ("public.item", "archive.item", "contact"):
        assert query(url, f"SELECT count(*) FROM {table}")
    done = project.refactor("status", "--plan", "customers", *json_)
    assert standing(done) == [("03_customers", "up"), ("04_both", "up")]
    back = project.alembic("downgrade", "01_tables")
    assert back.status == FINE, back.out + back.err
    gone = "SELECT to_regclass('item') IS NULL AND to_regclass('contact') IS NULL"
    assert query(url, f"{gone} AND to_regclass('archive.item') IS NULL")[0][0]


def test_a_schema_in_the_revision_is_the_only_one(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    url = new_database()
    project = new_project(tmp_path, url, revisions=REVISIONS[:1])
    project.add(
        Revision(
            "05_archive",
            'op.copy_table(ORDERS, schema="archive")',
            'op.undo_copy_table(ORDERS, schema="archive")',
        )
    )
    project.upgraded()
    tables = "SELECT schemaname FROM pg_tables WHERE tablename = 'item'"
    assert query(url, tables) == [("archive",)]
    done = project.refactor("status", "--format", "json")
    assert standing(done)[0] == ("05_archive", "up")


def test_a_step_that_only_a_run_can_tell_is_known_once_it_has_run(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    project = new_project(tmp_path, new_database(), revisions=REVISIONS[:1])
    blind = "import os, shop_plans; op.{}(shop_plans.BY_NAME[os.environ['PLAN']])"
    project.add(
        Revision("06_blind", blind.format("copy_table"), blind.format("undo_copy_table")),
        Revision.step("07_dual", "dual_write"),
    )
    (tmp_path / "shop_plans.py").write_text(TWO)
    register(project, "plans = shop_plans:ORDERS")

    before = project.refactor("plan")
    assert before.status == WRONG_USE
    assert "06_blind calls copy_table with a plan that only a run can tell" in before.said
    done = project.alembic("upgrade", "head", PLAN="orders")
    assert done.status == FINE, done.out + done.err
    done = project.refactor("status", "--format", "json")
    assert standing(done) == [("06_blind", "up"), ("07_dual", "up")]


def test_one_schema_of_two_is_resumed_where_the_other_was_done(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    url = new_database()
    project = project_of(url, tmp_path)
    project.upgraded("01_tables")
    query(url, "CREATE VIEW archive.item AS SELECT 1 AS id")
    stopped = project.alembic("upgrade", "02_orders")
    assert stopped.status == REFUSED and "item" in stopped.said
    assert project.versions() == ["01_tables"]
    assert query(url, "SELECT to_regclass('public.item') IS NOT NULL")[0][0]

    query(url, "DROP VIEW archive.item")
    project.upgraded("02_orders")
    assert project.versions() == ["02_orders"]
    assert query(url, "SELECT count(*) FROM archive.item") == [(0,)]


def test_the_next_command_of_a_message_names_plan_and_schema(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    project = project_of(new_database(), tmp_path)
    project.upgraded("03_customers")
    with psycopg.connect(libpq_url(project.url)) as writer:
        writer.execute("UPDATE archive.order_line SET sku = 'y'")
        writer.execute("INSERT INTO archive.order_line (customer_id, ordered_on) VALUES (1, now())")
        stopped = project.alembic("-x", "lock-timeout=1", "upgrade", "04_both")
    assert stopped.status == REFUSED
    named = ("-x", "schema=archive", "status", "--plan", "orders", "--format", "json")
    opened = json.loads(project.refactor(*named).out)["open_step"]
    back = "membership-refactor -x schema=archive abandon --plan orders"
    assert (opened["revision"], opened["take_back"]) == ("04_both", back)
    done = project.refactor(*back.split()[1:])
    assert done.out == "undone: 04_both dual_write up\n", done.err


def test_verbs_in_hints_of_checks_name_plan_and_schema(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    project = project_of(new_database(), tmp_path)
    project.upgraded("01_tables")
    # A table that nobody has ever written would need no evidence.
    query(
        project.url,
        "INSERT INTO customer_line (customer_id, ordered_on) VALUES (1, '2024-01-01')",
    )
    project.upgraded("03_customers")
    query(project.url, "ALTER TABLE archive.order_line DISABLE TRIGGER USER")
    query(
        project.url,
        "INSERT INTO archive.order_line (customer_id, ordered_on) VALUES (1, '2024-01-01')",
    )
    repair = "membership-refactor -x schema=archive repair --plan orders"

    asked = project.refactor("-x", "schema=archive", "checks", "--plan", "orders")
    assert f"Run: {repair} --apply" in asked.out
    shown = project.refactor("-x", "schema=archive", "repair", "--plan", "orders")
    assert f"`{repair} --apply` corrects these." in shown.out, shown.out + shown.err
    ahead = project.refactor("plan", "--plan", "customers")
    assert "at 03_customers" in ahead.out
    assert "membership-refactor usage --plan customers" in " ".join(ahead.out.split())
    stopped = project.alembic("upgrade", "04_both")
    assert stopped.status == REFUSED and f"Run: {repair} --apply" in stopped.said

    done = project.refactor(*repair.split()[1:], "--apply")
    assert done.status == FINE, done.out + done.err
    project.upgraded("04_both")
