"""What the revision file of a step says: when to deploy it, what it locks, what undoing costs."""

from __future__ import annotations

from dataclasses import dataclass

SHORT = "waited for 50 ms, held 20 ms at most"
OWN_TRIGGERS = (
    "If your own triggers stand on a table, each batch (about 20 ms) holds SHARE ROW EXCLUSIVE on "
    "it, and all its writers wait."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionText:
    """The docstring of a step's revision.

    In each text ``{source}``, ``{child}``, ``{parent}`` and ``{retired}`` stand for a table, and
    ``{dual_write}`` or another step for its revision.
    """

    title: str
    """Without a full stop."""
    deploy: str
    locks: str
    undo: str
