"""Each error that applications may see has a paragraph, and each paragraph tests that show it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, document

DOCUMENT = "docs/reference/application-errors.md"
CODES = (
    "40001", "40P01", "55P03", "23505", "23514", "23503", "55000", "42P01", "42703", "0A000",
)  # fmt: skip
_NAMED = re.compile(r"`(test_\w+)`")
_SHOWING = re.compile(r"test_([0-9][0-9a-z]{4})_")


def sections() -> dict[str, str]:
    """The paragraphs by their SQLSTATE."""
    parts = document(DOCUMENT).split("\n## ")[1:]
    return {part.split()[0]: part for part in parts}


def shown_in(folder: Path) -> set[str]:
    """The names of the test functions of a folder."""
    return {
        node.name
        for file in folder.glob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_the_page_has_a_paragraph_for_every_error_and_no_other() -> None:
    assert sorted(sections()) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_paragraph_names_the_very_tests_that_show_its_error(code: str) -> None:
    named = set(_NAMED.findall(sections()[code]))
    showing = {
        name
        for name in shown_in(ROOT / "tests" / "races")
        if (found := _SHOWING.match(name)) and found[1].upper() == code
    }
    assert showing
    assert named == showing
