"""The docstring of a step's revision, for the tables of one plan."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from membership_refactor.planning import TableSplit
from membership_refactor.planning.shapes import Shape
from membership_refactor.steps import SPLIT_STEPS


def step_text(plan: TableSplit, step: str, revisions: Mapping[str, str]) -> tuple[str, str]:
    """The title of a step's revision, and the paragraphs below it. ``revisions`` are ids by
    step."""
    found = next(known for known in SPLIT_STEPS if known.name == step)
    text = (plan.shape is Shape.IN_PLACE and found.text_in_place) or found.text
    assert text is not None
    names = {
        "source": plan.source,
        "child": plan.child,
        "parent": plan.parent,
        "retired": plan.retired,
        **revisions,
    }
    parts = {"Deploy": text.deploy, "Locks": text.locks, "Undo": text.undo}
    below = (f"{label}: {part.format_map(names)}" for label, part in parts.items())
    return text.title.format_map(names), "\n".join(
        textwrap.fill(line, 100, subsequent_indent="    ", break_on_hyphens=False) for line in below
    )
