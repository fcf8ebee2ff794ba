"""Imports run one way, pure parts import no database library, the engine knows no memberships,
and no two files share a name for unlike things."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "membership_refactor"
ROOT = Path(__file__).parents[1] / "src" / PACKAGE

# A part may import from itself and from the layers before its own.
LAYERS = (
    {"counts"},
    {"errors", "x_names"},
    {"planning", "portrait"},
    {"consumers"},
    {"sql"},
    {"checks", "scan"},
    {"steps"},
    {"script", "catalog", "database"},
    {"execution"},
    {"plans"},
    {"models"},
    {"project"},
    {"inspect", "enrollment"},
    {"propose", "watch", "tenants"},
    {"report"},
    {"environment"},
    {"operations"},
    {"op", "rehearsal", "alembic_plugin", "prepared_env"},
    {"testing"},
    {"demo", "_several_keys"},
    {"cli"},
    # The public surface.
    {"__init__"},
)
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
PURE = {"counts", "errors", "planning", "portrait", "sql", "checks", "steps", "script"}
DATABASE_LIBRARIES = {"sqlalchemy", "psycopg", "psycopg_pool", "alembic"}
# Only here is it known what a membership is; the last one names the demo's database.
MAY_SAY_MEMBERSHIP = {"plans", "models", "demo", "cli/demo.py"}
PRODUCT = re.compile(r"membership!?[-_]refactor")
# Only here is it known what the revisions that ship are called.
MAY_NAME_REVISIONS = {"plans", "demo", "cli"}
REVISION = re.compile(r"(?<![\w.])00(0[1-9]|1[01])\b")

FILES = sorted(ROOT.rglob("*.py"))

# Files of one name are files of one thing: a verb of the command line is named like the file that
# does its work, `script` and `execution` do the same with psql and with a connection. Of the
# others each has its reason here.
SAME_THING = {
    "names.py": "names of the objects of a plan, one file for each kind of plan",
    "constraints.py": "SQL of constraints",
    "indexes.py": "SQL of indexes, and their building",
    "copied_rows.py": "SQL that compares, and the check made of it",
    "shared_job.py": "SQL of the offer of a job, and its writing and reading",
    "tokens.py": "SQL text cut into tokens: PostgreSQL's own, and anybody's",
    "row_security.py": "SQL that asks for row security, and the check made of it",
}


def part_of(file: Path) -> str:
    """errors.py is the part errors; sql/batches.py belongs to the part sql."""
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def imports_of(source: str, module: str, *, is_package: bool) -> Iterator[tuple[int, str]]:
    """Every module that is imported anywhere in the file, with its line, relative ones resolved."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                anchor = module.split(".")
                kept = len(anchor) - node.level + (1 if is_package else 0)
                origin = ".".join([*anchor[:kept], *filter(None, [node.module])])
            # `from membership_refactor import sql` imports membership_refactor.sql.
            yield from ((node.lineno, f"{origin}.{name.name}") for name in node.names)


def imports_in(file: Path) -> Iterator[tuple[int, str]]:
    name = ".".join([PACKAGE, *file.relative_to(ROOT).with_suffix("").parts])
    is_package = file.name == "__init__.py"
    module = name.removesuffix(".__init__")
    return imports_of(file.read_text(encoding="utf-8"), module, is_package=is_package)


def wrong_way(part: str, imported: str) -> bool:
    names = imported.split(".")
    if names[0] != PACKAGE or len(names) < 2 or part not in LEVEL:
        return False
    target = names[1]
    return target != part and target in LEVEL and LEVEL[target] >= LEVEL[part]


def test_every_part_has_its_level() -> None:
    parts = {part_of(file) for file in FILES}
    assert sorted(parts ^ LEVEL.keys()) == []


def test_imports_run_one_way() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {imported}"
        for file in FILES
        for line, imported in imports_in(file)
        if wrong_way(part_of(file), imported)
    ]
    assert wrong == []


def test_the_pure_parts_import_no_database_library() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {imported}"
        for file in FILES
        if part_of(file) in PURE
        for line, imported in imports_in(file)
        if imported.split(".")[0] in DATABASE_LIBRARIES
    ]
    assert wrong == []


def test_the_engine_knows_nothing_of_memberships() -> None:
    wrong = [
        f"{place}:{number}"
        for file in FILES
        if not {part_of(file), place := file.relative_to(ROOT).as_posix()} & MAY_SAY_MEMBERSHIP
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search("programme|membership", PRODUCT.sub("", line), re.IGNORECASE)
    ]
    assert wrong == []


def strings_of(source: str) -> Iterator[tuple[int, str]]:
    """Every string of the file that is not a docstring, with its line."""
    tree = ast.parse(source)
    documentation = {
        id(statement.value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        for statement in node.body
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in documentation:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value


def test_the_engine_goes_by_the_names_of_steps_and_not_by_ids_of_revisions() -> None:
    wrong = {
        f"{place}:{line}"
        for file in FILES
        if part_of(file) not in MAY_NAME_REVISIONS
        for place in [file.relative_to(ROOT).as_posix()]
        for line, text in strings_of(file.read_text(encoding="utf-8"))
        if REVISION.search(text)
    }
    assert sorted(wrong) == []


def test_an_id_in_a_message_is_seen_and_one_in_a_docstring_is_not() -> None:
    source = 'def f():\n    """From 0005 on."""\n    return revision < "0008"\n'
    assert [text for _, text in strings_of(source) if REVISION.search(text)] == ["0008"]


def test_no_two_files_share_a_name_for_unlike_things() -> None:
    rooms: dict[str, set[str]] = {}
    for file in FILES:
        if not file.stem.startswith("__"):
            place = file.relative_to(ROOT)
            rooms.setdefault(file.name, set()).add(place.parent.as_posix())
    shared = {
        name: sorted(places)
        for name, places in rooms.items()
        if len(places - {"cli"}) > 1 and places != {"script", "execution"}
    }
    assert {n: shared[n] for n in shared.keys() - SAME_THING.keys()} == {}


@pytest.mark.parametrize(
    ("part", "imported"),
    [
        ("planning", f"{PACKAGE}.sql.quoting"),
        ("sql", f"{PACKAGE}.execution"),
        ("steps", f"{PACKAGE}.operations"),
        ("scan", f"{PACKAGE}.checks"),
        ("models", f"{PACKAGE}.enrollment"),
        ("execution", f"{PACKAGE}.cli"),
    ],
)
def test_an_import_the_wrong_way_is_noticed(part: str, imported: str) -> None:
    assert wrong_way(part, imported)


def test_relative_and_late_imports_are_seen() -> None:
    source = """
def late():
    from ..sql import batches
    from . import rows
    import psycopg.sql
"""
    found = {name for _, name in imports_of(source, f"{PACKAGE}.checks.all", is_package=False)}
    assert found == {f"{PACKAGE}.sql.batches", f"{PACKAGE}.checks.rows", "psycopg.sql"}
