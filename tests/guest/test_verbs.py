"""Every verb for a plan of somebody's project: it finds the database through env.py, and names the
project's own revisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from membership_refactor.cli.verb import FINE, WRONG_USE
from membership_refactor.database import libpq_url
from tests.cli.processes import REFUSED, query
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import MIXED, Project, Revision, new_project

MORE = (
    Revision.step("f6_retire", "retire_source"),
    Revision.step("g7_parent", "create_parent"),
    Revision.step("h8_rebuild", "rebuild_parent"),
    Revision.step("i9_link", "link_children"),
)
MODELS = """
from sqlalchemy import Column, Date, Integer, MetaData, Table, Text

METADATA = MetaData()
OTHER = Table("not_of_the_plan", METADATA, Column("id", Integer, primary_key=True))
PURCHASE = Table("purchase", METADATA, Column("customer_id", Text))
"""


def answered(project: Project, *arguments: str, status: int = FINE) -> str:
    done = project.refactor(*arguments)
    assert done.status == status, done.out + done.err
    return done.out


def document(project: Project, *arguments: str) -> Any:
    return json.loads(answered(project, *arguments, "--format", "json"))


def test_before_the_first_step_plan_and_status_name_revisions_that_have_not_run(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    project = new_project(tmp_path, new_database())
    project.upgraded("a1_lines")

    said = answered(project, "plan")
    assert 'plan "orders" in schema "public", at a1_lines' in said
    assert "\nb2_copy copy_table" in said and "\nd4_dual dual_write" in said
    # No revision runs it yet.
    assert "\nretire_source" in said
    assert '"order_line": 200 rows' in said
    standing = document(project, "status")
    assert standing["alembic_version"] == "a1_lines"
    named = [(step["revision"], step["name"], step["state"]) for step in standing["steps"]]
    assert named[:3] == [
        ("b2_copy", "copy_table", "to come"),
        ("d4_dual", "dual_write", "to come"),
        ("retire_source", "retire_source", "to come"),
    ]
    assert len(document(project, "plan", "--compare-keys")["keys"]) > 1
    assert "b2_copy makes it" in answered(project, "verify")


@pytest.mark.parametrize(("template", "driver"), [("generic", "psycopg2"), ("async", "asyncpg")])
def test_the_verbs_of_a_plan_at_an_own_revision_between_two_steps(
    template: str, driver: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    project = new_project(tmp_path, new_database(), template=template, driver=driver)
    project.upgraded("c3_own")

    standing = document(project, "status")
    assert standing["alembic_version"] == "c3_own"
    assert [step["state"] for step in standing["steps"]][:2] == ["up", "to come"]
    verified = document(project, "verify")
    assert (verified["revision"], verified["findings"]) == ("b2_copy", 0)
    assert sum(c["rows"] for c in verified["comparisons"]) >= 200
    checked = document(project, "checks")
    assert (checked["revision"], checked["failed"]) == ("b2_copy", 0)
    assert not [c for c in checked["checks"] if "model" in c["name"]]
    assert document(project, "repair")["applied"] is False
    assert document(project, "abandon") == {"abandoned": None}
    assert "d4_dual dual_write" in answered(project, "plan")


def test_verify_and_repair_find_a_row_that_was_changed_behind_the_triggers(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    project = new_project(tmp_path, new_database())
    project.upgraded("e5_own")
    query(
        project.url,
        "ALTER TABLE item DISABLE TRIGGER ALL; UPDATE item SET sku = 'x' WHERE id = 5; "
        "ALTER TABLE item ENABLE TRIGGER ALL",
    )

    assert "d4_dual " in answered(project, "verify", status=1)
    assert "row corrected" in answered(project, "repair", "--apply")
    assert document(project, "verify")["findings"] == 0


def test_a_step_that_stopped_is_named_by_its_revision_and_taken_back(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    project = new_project(tmp_path, new_database())
    project.upgraded("c3_own")
    with psycopg.connect(libpq_url(project.url)) as writer:
        writer.execute("UPDATE order_line SET sku = 'y' WHERE id = 1")
        stopped = project.alembic("-x", "lock-timeout=1", "upgrade", "d4_dual")
    assert stopped.status == REFUSED and "no lock on" in stopped.said

    standing = json.loads(answered(project, "status", "--format", "json", status=1))
    assert standing["open_step"]["revision"] == "d4_dual"
    assert standing["open_step"]["go_on"] == "alembic upgrade d4_dual"
    assert answered(project, "abandon") == "undone: d4_dual dual_write up\n"
    assert document(project, "status")["open_step"] is None
    assert project.versions() == ["c3_own"]


def test_the_models_that_are_registered_are_compared_and_other_tables_are_not(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    project = new_project(tmp_path, new_database(), revisions=(*MIXED, *MORE))
    project.upgraded("i9_link", "-x", "accept-usage=a test")
    (tmp_path / "shop_models.py").write_text(MODELS)
    assert document(project, "checks")["failed"] == 0

    register(project, "plans = shop_plans:ORDERS", "models.link_children = shop_models:METADATA")
    failed = json.loads(answered(project, "checks", "--format", "json", status=1))["checks"]
    (models,) = [check for check in failed if not check["holds"]]
    assert models["name"] == "models equal the database"
    assert any('column "customer_id": type' in key for key in models["keys"])
    assert not any("not_of_the_plan" in key for key in models["keys"])


def test_scan_knows_the_plan_of_the_project(new_database: NewDatabase, tmp_path: Path) -> None:
    project = new_project(tmp_path, new_database())
    (tmp_path / "report.sql").write_text("SELECT note FROM item;\n")
    said = answered(project, "scan", "report.sql", status=1)
    assert "note" in said and "programme" not in said


@pytest.mark.slow
def test_a_rehearsal_runs_the_project_s_own_revisions(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    project = new_project(tmp_path, new_database())
    project.edit("            connection=connection,", "            connection=connection,\n"
                 '            version_table="shop_version",')  # fmt: skip
    project.upgraded("a1_lines")
    done = project.refactor("rehearse", "--to", "d4_dual", "--format", "json")
    assert done.status == FINE, done.out + done.err
    assert "d4_dual up again: dual_write" in done.err
    assert query(project.url, "SELECT to_regclass('item') IS NULL")[0][0]
    assert project.versions("shop_version") == ["a1_lines"]


def register(project: Project, *lines: str) -> None:
    """Add a registration to alembic.ini: the plans, then the options of ``orders``."""
    plans, *options = lines
    with (project.folder / "alembic.ini").open("a") as file:
        file.write(f"\n[membership_refactor]\n{plans}\n")
        file.write("\n".join(["\n[membership_refactor:orders]", *options, ""]) if options else "")


@pytest.mark.parametrize(
    ("registered", "verb", "said"),
    [
        ("plans = shop_plan:ORDERS", "status", "cannot be imported: ModuleNotFoundError"),
        ("plans = shop_plans:TableSplit", "plan", "is not a plan"),
        ("plans = shop_plans:ORDERS, shop_plans:ORDERS", "verify", "is named twice"),
    ],
)
def test_a_registration_that_cannot_be_is_one_line(
    registered: str, verb: str, said: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    project = new_project(tmp_path, new_database())
    register(project, registered)
    done = project.refactor(verb)
    assert done.status == WRONG_USE
    assert said in done.said
    # The steps are refused by the same line.
    project.upgraded("a1_lines")
    refused = project.alembic("upgrade", "b2_copy")
    assert refused.status == REFUSED and said in refused.said
    assert project.versions() == ["a1_lines"]


def test_revisions_in_an_order_that_cannot_be_are_refused_before_a_step(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    wrong = (MIXED[0], Revision.step("d4_dual", "dual_write"), Revision.step("b2", "copy_table"))
    project = new_project(tmp_path, new_database(), revisions=wrong)
    project.upgraded("a1_lines")
    done = project.refactor("plan")
    assert done.status == WRONG_USE
    assert 'd4_dual runs dual_write of plan "orders" before b2 runs copy_table' in done.said
    refused = project.alembic("upgrade", "head")
    assert refused.status == REFUSED and "before b2 runs copy_table" in refused.said
    assert project.steps() == {} and project.versions() == ["a1_lines"]


def test_an_env_py_that_fails_is_one_line(new_database: NewDatabase, tmp_path: Path) -> None:
    project = new_project(tmp_path, new_database())
    project.edit("from alembic import context", "from alembic import context\nimport nowhere_found")
    done = project.refactor("status")
    assert done.status == WRONG_USE
    assert "env.py stopped: ModuleNotFoundError: No module named 'nowhere_found'" in done.said


def test_duplicates_of_a_project_without_enrollments_asks_for_a_table(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    project = new_project(tmp_path, new_database(), revisions=MIXED)
    for verb in ("duplicates", "merge-duplicates"):
        done = project.refactor(verb)
        assert done.status == WRONG_USE
        assert 'no table "public"."program_enrollment" here. Name yours: --table' in done.said
