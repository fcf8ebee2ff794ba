"""Changes the ledger's control row while a step runs: pause, resume, slower, faster."""

from __future__ import annotations

from enum import StrEnum

from membership_refactor.errors import StepOutOfOrder
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import run
from membership_refactor.sql.pacing.pace import LARGEST, LOCKING_SIZES, PRIVATE_SIZES
from membership_refactor.sql.pacing.pressure import change_control
from membership_refactor.sql.quoting import literal


class Change(StrEnum):
    """What a DBA can ask of the batches that run now."""

    PAUSE = "pause"
    RESUME = "resume"
    SLOWER = "slower"
    FASTER = "faster"


def _setting(wanted: Change, batches: str, plan: str) -> str:
    if wanted is Change.PAUSE:
        return "paused = true, note = 'status --watch'"
    if wanted is Change.RESUME:
        return "paused = false, note = NULL"
    # Where no size is set, batches adapt; the newest one says where they are.
    now = (
        f"coalesce(c.batch_rows, (SELECT nullif(b.rows, 0) FROM {batches} AS b\n"
        f"WHERE b.plan = {plan} AND b.done ORDER BY b.done_at DESC LIMIT 1), "
        f"{PRIVATE_SIZES.first})"
    )
    if wanted is Change.SLOWER:
        return f"batch_rows = greatest({LOCKING_SIZES.smallest}, {now} / 2)"
    return f"batch_rows = least({LARGEST}, {now} * 2)"


def change(runner: Runner, wanted: Change) -> str:
    """Change the control row and return what holds now, for people.

    The batches of this plan read it within a second. Raises StepOutOfOrder where there is no
    ledger yet, and NoDatabase where the server or the login only reads.
    """
    ledger = runner.ledger
    with runner.sessions("control").open() as pg:
        if not ledger.exists(pg):
            raise StepOutOfOrder(
                "no step has run yet, so there are no batches to change.",
                hint=f"See what comes first: {runner.chain.revisions.verb('plan')}",
            )
        plan = literal(ledger.plan.name)
        setting = _setting(wanted, ledger.table("batch"), plan)
        for text in change_control(ledger.table("control"), plan, setting):
            changed = run(pg, text)
        row = changed.fetchone()
    assert row is not None
    paused, rows = row
    state = "paused" if paused else "running"
    return f"{state}, {rows:,} rows in a batch" if rows else state
