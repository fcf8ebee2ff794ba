"""The plugin that Alembic loads by itself: the verbs of ``alembic.op``, and what autogenerate does.

Alembic loads it with every command of every project of an environment. So it imports what runs a
step only when one runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.operations import Operations
from alembic.operations.ops import UpgradeOps
from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult

from membership_refactor.planning import TableSplit
from membership_refactor.planning.shapes import Shape

if TYPE_CHECKING:
    # Alembic itself is half imported when it loads this.
    from alembic.autogenerate.api import AutogenContext


def setup(plugin: Plugin) -> None:
    """Register two verbs for each step, ``op.STEP(PLAN)`` and ``op.undo_STEP(PLAN)``, and what
    autogenerate leaves alone."""
    for step in Shape.SPLIT.steps:
        for verb in (step, f"undo_{step}"):
            _register(verb)
    plugin.add_autogenerate_comparator(
        _leave_alone, "autogenerate", qualifier="postgresql", priority=DispatchPriority.LAST
    )


def _leave_alone(context: AutogenContext, upgrade: UpgradeOps) -> PriorityDispatchResult:
    from membership_refactor.environment.autogenerate import leave_alone

    return leave_alone(context, upgrade)


def _register(verb: str) -> None:
    class Late:
        @classmethod
        def run(cls, operations: Operations, plan: TableSplit, schema: str | None = None) -> None:
            # Importing it registers the verbs themselves in place of these.
            import membership_refactor.operations  # noqa: F401

            getattr(operations, verb)(plan, schema)

    # An import that came before this one has registered the verb itself.
    if not hasattr(Operations, verb):
        Operations.register_operation(verb, "run")(Late)
