"""What a revision file says about itself: when to deploy it, what it locks, what undoing costs."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FIELD = re.compile(r"^(Deploy|Locks|Undo): (.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionText:
    """The docstring of a revision, by its parts."""

    title: str
    deploy: str
    locks: str
    undo: str


def revision_text(docstring: str) -> RevisionText:
    """The parts; KeyError names the one that is missing."""
    found = {name: " ".join(text.split()) for name, text in _FIELD.findall(docstring)}
    return RevisionText(
        title=docstring.strip().splitlines()[0],
        deploy=found["Deploy"],
        locks=found["Locks"],
        undo=found["Undo"],
    )
