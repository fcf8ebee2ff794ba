"""The pages that are made when the site is built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.pages import statements
from docs.pictures.__main__ import texts
from membership_refactor.steps.step import Direction
from tests.docs.blocks import ROOT
from tests.fixtures.steps import STEPS

FUNCTION = re.compile(
    r'^CREATE OR REPLACE FUNCTION ("\w+"\."\w+").*?AS (\$\w*\$)(.*?)\2', re.DOTALL | re.MULTILINE
)
PAGES = dict(statements.pages())


def functions(text: str) -> dict[str, set[str]]:
    """The bodies of the functions that a text creates, by name."""
    found: dict[str, set[str]] = {}
    for name, _, body in FUNCTION.findall(text):
        found.setdefault(name, set()).add(body.strip())
    return found


@pytest.mark.parametrize("direction", Direction, ids=str)
@pytest.mark.parametrize("revision", sorted(STEPS))
def test_a_page_has_the_whole_text_of_every_function_of_its_step(
    revision: str, direction: Direction
) -> None:
    """The script that psql runs is the witness."""
    script = (ROOT / "tests" / "offline" / "sql" / f"{revision}_{direction}.sql").read_text()
    shown = functions(PAGES[statements.page_name(revision, direction)])
    for name, bodies in functions(script).items():
        assert bodies <= shown[name], name


def test_the_trigger_functions_of_0004_are_found() -> None:
    """The test above would pass where nothing is found."""
    assert len(functions(PAGES["0004-up"])) == 5


@pytest.mark.parametrize("file", texts(), ids=lambda file: file.name)
def test_a_picture_is_what_its_data_draw(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == texts()[file], "python -m docs.pictures"
