"""The plugin that Alembic loads by itself: the verbs of ``alembic.op``, in every project.

Alembic loads it with every command of every project of an environment. So it imports what runs a
step only when one runs.
"""

from __future__ import annotations

from alembic.operations import Operations
from alembic.runtime.plugins import Plugin

from membership_refactor.planning import TableSplit
from membership_refactor.planning.shapes import Shape


def setup(_plugin: Plugin) -> None:
    """Register two verbs for each step, ``op.STEP(PLAN)`` and ``op.undo_STEP(PLAN)``."""
    for step in Shape.SPLIT.steps:
        for verb in (step, f"undo_{step}"):
            _register(verb)


def _register(verb: str) -> None:
    class Late:
        @classmethod
        def run(cls, operations: Operations, plan: TableSplit) -> None:
            # Importing it registers the verbs themselves in place of these.
            import membership_refactor.operations  # noqa: F401

            getattr(operations, verb)(plan)

    # An import that came before this one has registered the verb itself.
    if not hasattr(Operations, verb):
        Operations.register_operation(verb, "run")(Late)
