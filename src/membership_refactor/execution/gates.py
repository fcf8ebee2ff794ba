"""Opens a step's gate: records a DBA's acceptance, then asks the evidence."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.errors import GateClosed
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.run_checks import examine
from membership_refactor.execution.sessions import Pg
from membership_refactor.steps.step import Direction


def open_gate(
    pg: Pg, gate: Check, revision: str, *, ledger: Ledger, options: Options, progress: Progress
) -> None:
    """Returns when the step may begin; GateClosed lists what speaks against it."""
    if options.accept_usage:
        ledger.accept(pg, revision, options.accept_usage)
        progress.say(f"  gate opened by hand: {options.accept_usage}")
        return
    result = examine(pg, gate)
    ledger.check_result(
        pg,
        revision,
        Direction.UP,
        gate.name,
        broken=result.broken,
        keys=list(result.keys),
        seconds=result.seconds,
    )
    if not result.holds:
        raise GateClosed(
            f"{revision} asks for evidence that {gate.sentence}: {'; '.join(result.keys)}.",
            hint=gate.hint,
        )
