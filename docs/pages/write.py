"""Writes the pages before Sphinx reads them, into folders that git ignores."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docs.pages import statements, verbs

DOCS = Path(__file__).parents[1]
FOLDERS: Mapping[str, Callable[[], Iterator[tuple[str, str]]]] = {
    "reference/sql": statements.pages,
    "reference/verbs": verbs.pages,
}
"""Where made pages stand, and what gives their names and texts."""


def made() -> dict[Path, str]:
    """The text of every made page, by its file."""
    return {
        DOCS / folder / f"{name}.md": text
        for folder, pages in FOLDERS.items()
        for name, text in pages()
    }


def write_wheel() -> None:
    """The wheel is there, for readers who have only the site."""
    folder = DOCS / "made"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=DOCS.parent, check=True, capture_output=True,
    )  # fmt: skip


def write() -> None:
    """The pages are there. One whose text is the same is not touched, so Sphinx skips it."""
    wanted = made()
    for folder in FOLDERS:
        (DOCS / folder).mkdir(exist_ok=True)
        for old in set((DOCS / folder).iterdir()) - set(wanted):
            old.unlink()
    for file, text in wanted.items():
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
