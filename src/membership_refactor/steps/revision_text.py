"""The docstring of a step's revision: when to deploy it, what it locks, what undoing costs."""

from __future__ import annotations

import re
from dataclasses import dataclass

SHORT = "waited for 50 ms, held 20 ms at most"
OWN_TRIGGERS = (
    "If your own triggers stand on a table, each batch (about 20 ms) holds SHARE ROW EXCLUSIVE on "
    "it, and all its writers wait."
)
_FIELD = re.compile(r"^(Deploy|Locks|Undo): (.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionText:
    """The parts of a revision's docstring. A part that it does not have is empty.

    In the text of a step ``{source}``, ``{child}``, ``{parent}`` and ``{retired}`` stand for a
    table of the plan, and ``{dual_write}`` or another step for its revision.
    """

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
