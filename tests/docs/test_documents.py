"""The documents say what the code does: tables, locks, columns, verbs and options."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import membership_refactor
from docs.pages.write import made
from membership_refactor.cli.command_line import verbs
from membership_refactor.steps.step import Direction
from membership_refactor.x_names import X_NAMES
from tests.docs.blocks import ROOT, blocks, document
from tests.docs.generated import LEDGER, MADE, locks, prediction, stated, texts
from tests.fixtures.steps import STEPS

MADE_PAGES = made()
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(str(p.relative_to(ROOT)) for p in {*(ROOT / "docs").rglob("*.md")} - set(MADE_PAGES)),
]
MODES = ("SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE")


@pytest.mark.parametrize(("name", "block"), MADE, ids=str)
def test_what_is_made_from_the_code_is_up_to_date(name: str, block: str) -> None:
    assert stated(name, block) == MADE[name, block](), "python -m tests.docs.generated"


@pytest.mark.parametrize("revision", sorted(STEPS))
def test_a_revision_says_every_mode_that_its_step_takes_and_no_other(revision: str) -> None:
    """The docstring is written by hand; modes behind which writers queue are computed."""
    said = texts()[revision].locks
    taken = {u.mode for u in locks(prediction(), STEPS[revision].name, Direction.UP)}
    assert {mode for mode in MODES if mode in said} == {mode for mode in MODES if mode in taken}


@pytest.mark.parametrize(
    ("direction", "mode"),
    [(Direction.UP, "ACCESS EXCLUSIVE"), (Direction.DOWN, "SHARE ROW EXCLUSIVE")],
    ids=str,
)
def test_0005_lists_the_tables_that_the_moved_foreign_keys_refer_to(
    direction: Direction, mode: str
) -> None:
    """PostgreSQL locks them by itself; no action names them."""
    referred = {"curriculum", "person", "programme", "rotation", "training_number"}
    used = locks(prediction(), "retire_source", direction)
    found = {u.table.split(".")[1].strip('"') for u in used if u.mode == mode}
    assert referred <= found


@pytest.mark.parametrize("revision", sorted(STEPS))
def test_every_step_has_its_part_of_the_runbook(revision: str) -> None:
    name = STEPS[revision].name
    heading = f"## {revision} {name}"
    body = document("docs/runbook.md").partition(heading)[2].partition("\n## ")[0]
    rows = ("Before", "Deploy", "Locks", "Watch", "Go if", "Do not go if", "Undo", "SQL")
    for part in ("**Afterwards**", *(f"\n| {row} | " for row in rows)):
        assert part in body, f"{heading} lacks {part}"


@pytest.mark.parametrize("verb", [v.NAME for v in verbs()])
def test_every_verb_has_its_page(verb: str) -> None:
    page = ROOT / "docs" / "reference" / "verbs" / f"{verb}.md"
    assert MADE_PAGES[page].startswith(f"# {verb}\n")
    assert f"membership-refactor {verb} [-h]" in MADE_PAGES[page]


@pytest.mark.parametrize("name", X_NAMES)
def test_every_x_name_is_explained(name: str) -> None:
    page = document("docs/reference/options.md")
    assert re.search(rf"^\| `{re.escape(name)}` \|", page, re.MULTILINE)


def test_no_page_names_an_x_name_that_does_not_exist() -> None:
    listed = re.findall(r"-x ([a-z-]+)=", "".join(document(name) for name in DOCUMENTS))
    assert set(listed) <= {*X_NAMES, "name"}


@pytest.mark.parametrize("name", [n for n in membership_refactor.__all__ if n != "RefactorError"])
def test_what_is_public_is_on_the_page_of_the_python_api(name: str) -> None:
    kind = "autoclass" if isinstance(getattr(membership_refactor, name), type) else "autofunction"
    assert f".. {kind}:: {name}\n" in document("docs/reference/python.md")


@pytest.mark.parametrize("table", sorted(LEDGER))
def test_every_table_of_the_ledger_is_explained(table: str) -> None:
    assert re.search(rf"^## {table}\n\n[A-Z]", document("docs/reference/ledger.md"), re.MULTILINE)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_between_documents_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", document(name)):
        file = (folder / Path(target)).resolve()
        assert file.exists() or file in MADE_PAGES, f"{name} points to {target}"


def test_every_document_is_in_the_table_of_contents() -> None:
    listed = re.findall(r"^[a-z-]+(?:/[a-z-]+)?$", document("docs/index.md"), re.MULTILINE)
    assert {f"docs/{page}.md" for page in listed} == {*DOCUMENTS[2:]} - {"docs/index.md"}


def test_the_readme_is_short() -> None:
    assert len(document("README.md").splitlines()) <= 150


def test_the_reference_shows_a_revision_file_as_it_is() -> None:
    shown = blocks("docs/reference/operations.md", "python")[0]
    assert shown == document("alembic/versions/0004_dual_write.py")
