"""The throttle of a worker of another process: it follows the command that runs the step."""

from __future__ import annotations

from membership_refactor.execution.felt_records import FeltRecords
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.execution.shared_job import SharedJob
from membership_refactor.execution.throttle import Throttle
from membership_refactor.sql.pacing.latency import LATENCY
from membership_refactor.sql.pacing.pressure import waiting
from membership_refactor.sql.quoting import literal


class Followed:
    """What the command that runs the step feels, as the ledger has it. Measures nothing itself."""

    def __init__(self, shared: SharedJob) -> None:
        self.shared, self.idle, self.share = shared, False, 1.0
        self._why: str | None = None

    def look(self, pg: Pg) -> None:
        """Read it."""
        ledger, step = self.shared.ledger, self.shared.offered.step
        span = FeltRecords(ledger).newest(pg, step)
        self.share = span.share if span is not None else 1.0
        text = waiting(ledger.table("event"), literal(ledger.plan.name))
        found = run(pg, text).fetchone()
        waits = found is not None and found[0] == "waiting" and found[1].startswith(LATENCY)
        self._why = found[1] if found is not None and waits else None

    def reason(self) -> str | None:
        """Why the command waits for the latency of small writes, or None."""
        return self._why

    def worked(self, rows: int, *, waited_seconds: float = 0.0) -> None:
        """Count nothing: the ledger has what the command's own workers did."""


class FollowingThrottle(Throttle):
    """Waits by the limits of the command that runs the step, and while its batches wait for the
    latency of small writes. It records nothing."""

    def __init__(self, shared: SharedJob, options: Options, progress: Progress) -> None:
        self.shared, self.followed = shared, Followed(shared)
        super().__init__(shared.ledger, options, progress, self.followed)

    def look(self, pg: Pg) -> str | None:
        """Return the reason to wait. None where the offer has ended: nobody would end the wait."""
        if not self.shared.is_offered(pg):
            return None
        self.followed.look(pg)
        return super().look(pg)

    def record(self, pg: Pg, told: str) -> None:
        """Record nothing."""
