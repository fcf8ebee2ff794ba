"""Reads the docstring of a revision file: when to deploy it, its locks, and what undo costs."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FIELD = re.compile(r"^(Deploy|Locks|Undo): (.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionText:
    """The parts of a revision's docstring. A part that it does not have is empty."""

    title: str
    deploy: str = ""
    locks: str = ""
    undo: str = ""


def revision_text(docstring: str) -> RevisionText:
    """Split the docstring into its parts."""
    found = {name: " ".join(text.split()) for name, text in _FIELD.findall(docstring)}
    return RevisionText(
        title=next(iter(docstring.strip().splitlines()), ""),
        deploy=found.get("Deploy", ""),
        locks=found.get("Locks", ""),
        undo=found.get("Undo", ""),
    )
