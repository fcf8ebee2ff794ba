"""Which revision Alembic is running, and which it runs after it, for a verb that only gets ``op``.

Alembic tells a revision nothing of this. It is read from the frame of its ``run_migrations``, in
two local variables whose names a test holds.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import FrameType

from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory

from membership_refactor.errors import StepOutOfOrder

_RUNS = MigrationContext.run_migrations.__code__


def running_revision(context: MigrationContext) -> RevisionStep | None:
    """The revision that this context is running. None outside of a run."""
    frame = _frame_of_run(context)
    found = frame.f_locals.get("step") if frame is not None else None
    return found if isinstance(found, RevisionStep) else None


def way_of(context: MigrationContext) -> tuple[RevisionStep, ...]:
    """Every revision of the run, in order, as Alembic lists them from where the run began."""
    frame = _frame_of_run(context)
    began: Sequence[str] = (
        frame.f_locals["heads"] if frame is not None else context.get_current_heads()
    )
    return tuple(
        step for step in context.opts["fn"](began, context) if isinstance(step, RevisionStep)
    )


def versions_before(context: MigrationContext) -> tuple[str, ...]:
    """The ids of which the version table holds one when the revision that runs may begin.

    On the way up it is the revision before; or one behind that, on another branch. None where
    nothing comes before.
    """
    step, script = running_revision(context), context.opts.get("script")
    if step is None or not isinstance(script, ScriptDirectory):
        return ()
    revision = step.revision.revision
    if not step.is_upgrade:
        return (revision,)
    below = step.from_revisions_no_deps
    later = {found.revision for found in script.walk_revisions(revision)}
    behind = [found.revision for found in script.walk_revisions(below[0])] if below else []
    return tuple(dict.fromkeys((*below, *(other for other in behind if other not in later))))


def require_version(context: MigrationContext) -> None:
    """Raise StepOutOfOrder where the version is no longer the one from which this run began.

    Another command may have run the revision between this run's first look and its lock.
    """
    step, script = running_revision(context), context.opts.get("script")
    if step is None or not isinstance(script, ScriptDirectory):
        return
    heads, name = set(context.get_current_heads()), step.revision.revision
    if step.is_upgrade:
        known = {head for head in heads if script.revision_map.get_revision(head) is not None}
        applied = {found.revision for found in script.iterate_revisions(tuple(known), "base")}
        moved = name in applied
    else:
        moved = name not in heads
    if moved:
        now = ", ".join(sorted(heads)) or "base"
        raise StepOutOfOrder(
            f"another command changed the version meanwhile: it is {now} now, and this command "
            f"was about to take {name} {'up' if step.is_upgrade else 'down'}. It changed nothing.",
            hint="Run it again if it is still needed.",
        )


def _frame_of_run(context: MigrationContext) -> FrameType | None:
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code is _RUNS and frame.f_locals.get("self") is context:
            return frame
        frame = frame.f_back
    return None
