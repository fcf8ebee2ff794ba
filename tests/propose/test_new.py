"""``new`` writes a plan with its revisions, or says in one line why not and writes nothing."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from tests.cli.processes import Ended
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import Project, Revision, new_project
from tests.propose.look import execute
from tests.propose.projects import files_of, inside, new
from tests.propose.shapes import ORDER_LINES

STEPS = (
    "copy_table",
    "dual_write",
    "retire_source",
    "create_parent",
    "rebuild_parent",
    "link_children",
    "stop_parallel_save",
    "drop_deprecated_columns",
    "drop_retired_table",
)
OWN = Revision("a1_own", "pass")


@pytest.fixture
def shop(tmp_path: Path, new_database: NewDatabase) -> Project:
    """A project with one revision of its own, and a table of order lines."""
    url = new_database()
    execute(url, ORDER_LINES.script(2_000))
    return new_project(tmp_path, url, revisions=(OWN,))


def _versions(project: Project) -> list[Path]:
    return sorted((project.folder / "migrations" / "versions").glob("*.py"))


def _refused(project: Project, *arguments: str, status: int = 2) -> str:
    """How the command is refused; nothing was written."""
    before = files_of(project.folder)
    done = new(project, *arguments, "--yes")
    assert done.status == status, done.out + done.err
    assert files_of(project.folder) == before
    return done.said


def test_writes_plan_revisions_and_registration(shop: Project) -> None:
    done = new(shop, "order_line", "--yes")

    assert done.status == 0, done.err
    text = (shop.folder / "refactoring_order_line.py").read_text()
    assert 'key=("order_no",),' in text
    assert 'ParentColumn(name="status", conflict=Conflict.LATEST),' in text
    assert "# The rows of 7 keys disagreed" in text
    ini = (shop.folder / "alembic.ini").read_text()
    assert ini.endswith("[membership_refactor]\nplans =\n    refactoring_order_line:ORDER_LINE\n")
    names = [path.name for path in _versions(shop)]
    for step in STEPS:
        assert sum(name.endswith(f"_order_line_{step}.py") for name in names) == 1
    with inside(shop.folder):
        from alembic.script import ScriptDirectory

        script = ScriptDirectory.from_config(shop.config())
        (head,) = script.get_heads()
        way = [r for r in script.iterate_revisions(head, "base")][::-1]
    assert way[0].revision == OWN.id and len(way) == 10
    for revision, step in zip(way[1:], STEPS, strict=True):
        source = Path(revision.path).read_text()
        assert f"op.{step}(ORDER_LINE)" in source and f"op.undo_{step}(ORDER_LINE)" in source
        assert re.search(r"^Deploy: .*^Locks: .*^Undo: ", source, re.MULTILINE | re.DOTALL)


def test_without_yes_nothing_is_written(shop: Project) -> None:
    before = files_of(shop.folder)

    done = new(shop, "order_line")

    assert done.status == 0, done.err
    assert "1. key (order_no): 500 parents of" in done.out
    assert "status: disagrees in 7 groups" in done.out
    assert "Nothing was written. Add --yes" in done.out
    assert files_of(shop.folder) == before


def test_json_has_everything_and_nothing_else_is_on_standard_output(shop: Project) -> None:
    done = new(shop, "order_line", "--yes", "--format", "json")

    assert done.status == 0, done.err
    said = json.loads(done.out)
    assert said["candidates"][0]["key"] == ["order_no"]
    assert said["plan"]["parent"] == "order_header"
    assert list(said["revisions"]) == list(STEPS)
    assert said["target"] == "refactoring_order_line:ORDER_LINE"
    assert len(said["written"]) == 11


def test_a_second_run_overwrites_nothing(shop: Project) -> None:
    assert new(shop, "order_line", "--yes").status == 0

    assert 'the project has a plan "order_line" already' in _refused(shop, "order_line")
    assert "refactoring_order_line exists already" in _refused(
        shop, "order_line", "--plan-name", "again", "--plan-module", "refactoring_order_line"
    )


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("ordr_lines",), 2, 'no table "ordr_lines". The nearest names: order_line'),
        (("lines",), 255, '"lines" is a view, and only an ordinary table can be split.'),
        (("no_key",), 255, 'table "no_key" has no primary key'),
        (("late_key",), 255, 'the primary key of table "late_key" is deferrable'),
        (("other.order_line",), 255, 'schema "other" does not exist'),
        (("order_line", "--key", "order"), 2, 'no column "order". Did you mean order_no'),
        (("order_line", "--key", "currency"), 255, "rows have the same key (currency)"),
        (("order_line", "--key", "order_no,article,price"), 255, "is different in each of the"),
        (("order_line", "--in-place", "--child", "x"), 2, "--in-place does not go with --child"),
        (("order_line", "--rename-to", "x", "--key", "a"), 2, "--rename-to does not go with --key"),
        (("order_line", "--parent-columns", "status:best"), 2, "unknown policy best"),
        (("order_line", "--plan-module", "no.where"), 2, "there is no package no"),
        (("order_line", "--plan-module", "a-b"), 2, "cannot be the name of a Python module"),
        (("order_line", "--head", "zzz"), 2, "--head zzz"),
        (("order_line", "--parent", "customer"), 255, '"customer"'),
        (
            ("order_line", "--key", "order_no", "--keep", "status"),
            2,
            "Only key columns can be kept",
        ),
        (("empty",), 255, "has 0 rows, and nothing can be learned from them. Name the key"),
        (("single",), 255, "has 1 rows, and nothing can be learned"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_bad_input_is_one_line(
    shop: Project, arguments: tuple[str, ...], status: int, said: str
) -> None:
    execute(
        shop.url,
        "CREATE VIEW lines AS SELECT * FROM order_line;"
        "CREATE TABLE no_key (a int, b int);"
        "CREATE TABLE late_key (a int, b int, PRIMARY KEY (a, b) DEFERRABLE);"
        "CREATE TABLE empty (id int PRIMARY KEY, grp int, who text);"
        "CREATE TABLE single (id int PRIMARY KEY, grp int, who text);"
        "INSERT INTO single VALUES (1);"
        "DELETE FROM order_line a USING order_line b WHERE a.order_no = b.order_no "
        "AND a.article = b.article AND a.price = b.price AND a.id < b.id",
    )

    assert said in _refused(shop, *arguments, status=status)


def test_what_plan_would_refuse_is_refused(shop: Project) -> None:
    execute(shop.url, "CREATE TABLE order_line_archive () INHERITS (order_line)")

    line = _refused(shop, "order_line", status=255)

    assert "this plan would be refused, and nothing was written:" in line


def test_rows_that_break_the_policy_are_refused(shop: Project) -> None:
    before = files_of(shop.folder)

    done = new(shop, "order_line", "--yes", "--parent-columns", "status:agree")

    assert done.status == 255
    assert "the rows of a key agree on" in done.err and "7 broken" in done.err
    assert files_of(shop.folder) == before


def test_several_heads_are_named(shop: Project) -> None:
    for name in ("b1", "b2"):
        shop.add(Revision(name, "pass"), after=OWN.id)

    assert "the project has 2 heads: b1, b2. Say behind which one" in _refused(shop, "order_line")
    done = new(shop, "order_line", "--yes", "--head", "b2")
    assert done.status == 0, done.err
    copy = next(p for p in _versions(shop) if p.name.endswith("copy_table.py"))
    assert re.search(r"^down_revision: .* = 'b2'$", copy.read_text(), re.MULTILINE)


def test_without_an_alembic_project_nothing_is_written(
    tmp_path: Path, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_database()
    execute(url, ORDER_LINES.script(200))
    monkeypatch.setenv("DATABASE_URL", url)

    line = _refused(Project(tmp_path, url), "order_line")

    assert "there is no alembic.ini" in line and "alembic init alembic" in line


def test_an_empty_table_takes_the_key_that_is_named(shop: Project) -> None:
    execute(shop.url, "TRUNCATE order_line")

    done = new(
        shop, "order_line", "--yes", "--key", "order_no", "--parent-columns", "customer_id,status"
    )

    assert done.status == 0, done.err
    text = (shop.folder / "refactoring_order_line.py").read_text()
    assert 'ParentColumn(name="customer_id")' in text and 'ParentColumn(name="status")' in text
    assert 'child_columns=("customer_name"' in text.replace("(\n        ", "(")


def test_in_place_with_a_kept_column(shop: Project) -> None:
    done = new(shop, "order_line", "--yes", "--in-place", "--keep", "order_no")

    assert done.status == 0, done.err
    text = (shop.folder / "refactoring_order_line.py").read_text()
    assert "copy=" not in text and 'keep=("order_no",),' in text
    assert len(_versions(shop)) == 1 + 5


def test_another_name_only(shop: Project) -> None:
    done = new(shop, "customer", "--yes", "--rename-to", "client")

    assert done.status == 0, done.err
    text = (shop.folder / "refactoring_customer.py").read_text()
    assert 'copy="client"' in text and "key=" not in text
    assert len(_versions(shop)) == 1 + 4


class _Terminal(io.StringIO):
    """Somebody at a terminal, who types these lines."""

    def isatty(self) -> bool:
        return True


def _asked(shop: Project, monkeypatch: pytest.MonkeyPatch, *lines: str) -> Ended:
    monkeypatch.setattr(sys, "stdin", _Terminal("".join(f"{line}\n" for line in lines)))
    return new(shop, "order_line")


def test_on_a_terminal_it_asks(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    done = _asked(shop, monkeypatch, "9", "2", "buyer", "", "y")

    assert done.status == 0, done.err
    text = (shop.folder / "refactoring_order_line.py").read_text()
    assert 'key=("customer_id",)' in text and 'parent="buyer"' in text
    assert 'copy="order_line_item"' in text
    assert "Which key?" in done.err and "Write refactoring_order_line.py and 9" in done.err


@pytest.mark.parametrize("lines", [("1", "", "", "n"), ("1", "", "", "")])
def test_who_does_not_say_yes_gets_no_files(
    shop: Project, monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...]
) -> None:
    before = files_of(shop.folder)

    done = _asked(shop, monkeypatch, *lines)

    assert done.status == 0 and files_of(shop.folder) == before


def test_an_input_that_ends_is_one_line(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    done = _asked(shop, monkeypatch, "1")

    assert done.status == 2 and "the input ended before the answer" in done.said


@pytest.mark.parametrize(
    ("template", "driver"),
    [("async", "asyncpg"), ("generic", "psycopg2"), ("pyproject", "psycopg")],
)
def test_the_database_is_the_one_to_which_env_py_leads(
    tmp_path: Path, new_database: NewDatabase, template: str, driver: str
) -> None:
    url = new_database()
    execute(url, ORDER_LINES.script(500))
    project = new_project(tmp_path, url, template=template, driver=driver, revisions=(OWN,))

    done = new(project, "order_line", "--yes", "--key", "order_no")

    assert done.status == 0, done.err
    assert len(_versions(project)) == 1 + 9
