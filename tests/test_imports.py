"""Imports run one way, pure parts import no database library, the engine knows no memberships."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "membership_refactor"
ROOT = Path(__file__).parents[1] / "src" / PACKAGE

# A part may import from itself and from the layers before its own; parts of one layer may import
# each other.
LAYERS = (
    {"errors"},
    {"planning", "portrait"},
    {"sql"},
    {"checks"},
    {"steps"},
    {"execution"},
    {"operations", "testing"},
    {"cli"},
)
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
PURE = ("errors", "planning", "portrait", "sql", "checks", "steps")
DATABASE_LIBRARIES = {"sqlalchemy", "psycopg", "psycopg_pool", "alembic"}
# Only here is it known what a membership is.
MAY_SAY_PROGRAMME = {"plans", "models", "demo"}

FILES = sorted(ROOT.rglob("*.py"))


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
    if target in LEVEL:
        return LEVEL[target] > LEVEL[part]
    # Plans are made of planning's values; the pure parts know none of them, nor anything else
    # that lies beside the layers.
    return part in PURE and (ROOT / target).exists()


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
        f"{file.relative_to(ROOT)}:{number}"
        for file in FILES
        if part_of(file) not in MAY_SAY_PROGRAMME
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if "programme" in line.lower()
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("part", "imported"),
    [
        ("planning", f"{PACKAGE}.sql.quoting"),
        ("sql", f"{PACKAGE}.execution"),
        ("steps", f"{PACKAGE}.operations"),
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
