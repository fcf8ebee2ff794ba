"""The shared job in the ledger: the offer of the command that runs a step, and its reading."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from membership_refactor import __version__
from membership_refactor.errors import RefactorError
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.sql.build import shared_job
from membership_refactor.sql.build.ranges import RangeJob
from membership_refactor.sql.build.shared_job import OFFERED
from membership_refactor.sql.ledger.step_rows import StepRows
from membership_refactor.sql.pacing.reasons import LOOK_SECONDS
from membership_refactor.sql.quoting import literal
from membership_refactor.steps.actions import Build, Ranges
from membership_refactor.steps.step import Direction

OWN = ("workers", "pooler")
"""Options that each process has for itself. The others are those of the command that runs the
step, so that a limit holds for everybody who works for it."""
Shared = Build | Ranges
"""The actions whose ranges are offered."""
_OFFERED = tuple(
    f.name
    for f in fields(Options)
    # What small writes take is measured by the command that runs the step.
    if f.name not in (*OWN, "max_latency") and not f.name.startswith("accept_")
)


def offer_of(ledger: Ledger, step: str, direction: Direction, job: RangeJob, o: Options) -> str:
    """The statement that offers the ranges of the job to other processes."""
    detail = {
        "job": job.job,
        "version": __version__,
        "statements": job.digest,
        "options": {name: found for name, found in asdict(o).items() if name in _OFFERED},
    }
    key = StepRows(ledger.name, ledger.plan.name, step, direction).key
    return shared_job.offer(ledger.table("event"), key, json.dumps(detail), ledger.schema)


def options_of_its_own(options: Options) -> tuple[str, ...]:
    """The ``-x`` names that were given and are not a worker's to give."""
    usual = Options()
    given = (n for n in Options.names() if n not in OWN)
    return tuple(
        n
        for n in given
        if getattr(options, n.replace("-", "_")) != getattr(usual, n.replace("-", "_"))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest event of the plan's steps, and the command that is running now."""

    holder: int | None
    """The pid of the session that holds the lock of the schema."""
    n: int = 0
    event: str = ""
    step: str = ""
    direction: Direction = Direction.UP
    detail: dict[str, Any] | None = None

    @property
    def job(self) -> str | None:
        """The job that the command offers now."""
        detail = self.detail
        if self.event != OFFERED or detail is None or self.holder is None:
            return None
        return str(detail["job"]) if detail["pid"] == self.holder else None


def read_newest(pg: Pg, ledger: Ledger) -> Newest:
    """Read both. The ledger need not be there yet."""
    holder = value(pg, shared_job.holder(ledger.schema))
    if not ledger.exists(pg):
        return Newest(holder=holder)
    text = shared_job.newest(ledger.table("event"), literal(ledger.plan.name))
    row = run(pg, text).fetchone()
    if row is None:
        return Newest(holder=holder)
    n, event, step, direction, detail = row
    return Newest(
        holder=holder,
        n=n,
        event=event,
        step=step,
        direction=Direction(direction),
        detail=detail,
    )


@dataclass(slots=True)
class SharedJob:
    """An offer that a worker has taken up. Several threads may ask it."""

    ledger: Ledger
    offered: Newest
    _looked: float = field(default=float("-inf"))
    _is_offered: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def stands(self) -> str:
        """A condition for the statements of the job: the offer has not been replaced."""
        plan = literal(self.ledger.plan.name)
        return shared_job.stands(self.ledger.table("event"), plan, self.offered.n)

    def is_offered(self, pg: Pg) -> bool:
        """Whether the command that made the offer still runs, and the offer stands. The server is
        asked once a second."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                holder = shared_job.holder(self.ledger.schema)
                asked = f"SELECT ({holder}) = {self.offered.holder} AND {self.stands}"
                self._is_offered = bool(value(pg, asked))
                self._looked = time.monotonic()
            return self._is_offered

    def options(self, own: Options) -> Options:
        """The options of the command that runs the step, with the worker's own beside them."""
        assert self.offered.detail is not None
        mine = {name: getattr(own, name) for name in OWN}
        return Options(**self.offered.detail["options"], **mine, max_latency=None)

    def chosen(
        self, jobs: Callable[[], Iterable[tuple[Shared, RangeJob]]]
    ) -> tuple[Shared, RangeJob]:
        """Which of the step's ``jobs`` is the one that is offered.

        Raises RefactorError where this process would work otherwise than the one that made the
        offer.
        """
        detail = self.offered.detail
        assert detail is not None
        other = detail["version"]
        if other == __version__:
            for action, job in jobs():
                if (job.job, job.digest) == (detail["job"], detail["statements"]):
                    return action, job
        of = f"version {other}" if other != __version__ else f"another build of version {other}"
        raise RefactorError(
            f"the command that runs {self.ledger.chain.revisions.label(self.offered.step)} is {of} "
            f"of membership-refactor, and this worker is version {__version__}.",
            hint="Install the same version on every host.",
        )
