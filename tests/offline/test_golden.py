"""The scripts are what is stored beside this test; a change of them is seen and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.offline.golden import FOLDER, texts

TEXTS = texts()


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.stem)
def test_a_revisions_script_is_the_stored_one(file: Path) -> None:
    stored = file.read_bytes().decode()
    assert TEXTS[file] == stored, "if that was meant: python -m tests.offline.golden"


def test_no_stored_script_is_of_a_revision_that_is_gone() -> None:
    assert set(FOLDER.iterdir()) == set(TEXTS)
