"""The chain itself, step by step through its runner, with and without its checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from io import StringIO

from benchmarks.measure import Cost, measured
from benchmarks.place import Place
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.steps.step import Step, no_checks
from membership_refactor.steps.step_chain import Chain
from tests.fixtures.steps import CHAIN, step_of

MOVING = ("0003", "0006", "0007", "0008")
"""The steps that move data."""
WHOLE = ("0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
REASON = "benchmark"


@dataclass(frozen=True, slots=True)
class Lock:
    """A short table lock, from the ledger."""

    revision: str
    action: str
    waited_ms: float
    held_ms: float
    tries: int


@dataclass(slots=True)
class Run:
    """What a run of the chain cost."""

    steps: dict[str, Cost] = field(default_factory=dict)
    locks: list[Lock] = field(default_factory=list)
    check_seconds: float = 0.0
    asked: tuple[str, ...] = ()
    """The checks that were made, by name."""
    child_bytes: int = 0
    parent_bytes: int = 0

    def cost(self, revisions: Iterable[str]) -> Cost:
        total = Cost()
        for revision in revisions:
            total = total + self.steps[revision]
        return total


def unchecked(step: Step) -> Step:
    """The same step without its checks. The runner still asks the catalog what it always asks."""
    return replace(
        step, before_up=no_checks, after_up=no_checks, before_down=no_checks, after_down=no_checks
    )


def runner_of(
    place: Place, database: str, *, workers: int, checks: bool, throttled: bool = True
) -> Runner:
    """Runs the chain there, with the gates opened; ``throttled`` as it is by default."""
    options = Options(accept_usage=REASON, workers=workers)
    steps = CHAIN.steps if checks else tuple(unchecked(step) for step in CHAIN)
    return Runner(
        place.engine(database),
        SPLIT,
        "public",
        Chain(steps, CHAIN.revisions),
        options=options if throttled else replace(options, max_latency=None),
        progress=Progress(StringIO()),
    )


def run_chain(
    place: Place,
    database: str,
    *,
    to: str,
    workers: int,
    checks: bool,
    throttled: bool = True,
    before: Callable[[str], None] | None = None,
) -> Run:
    """Takes the chain up to ``to``; ``before`` is called before each step, unmeasured."""
    runner = runner_of(place, database, workers=workers, checks=checks, throttled=throttled)
    result = Run()
    with place.connect(database) as look:
        for revision in (r for r in WHOLE if r <= to):
            if before is not None:
                before(revision)
            with measured(look, place.postmaster) as cost:
                runner.upgrade(step_of(revision))
            result.steps[revision] = cost
            if revision == "0008":
                result.child_bytes = size(look, SPLIT.child)
                result.parent_bytes = size(look, SPLIT.parent)
        result.locks = [
            Lock(CHAIN.revisions.of(row[0]), *row[1:])
            for row in look.execute(
                "SELECT step, key, lock_waited_ms, lock_held_ms, tries\n"
                "FROM public_refactor.action WHERE lock_held_ms IS NOT NULL\n"
                "ORDER BY done_at"
            ).fetchall()
        ]
        made = look.execute(
            "SELECT name, sum(seconds) FROM public_refactor.check_result GROUP BY name"
        ).fetchall()
        result.asked = tuple(name for name, _ in made)
        result.check_seconds = float(sum(seconds for _, seconds in made))
    return result


def size(connection: object, table: str) -> int:
    """Bytes of a table with its indexes."""
    row = connection.execute(  # type: ignore[attr-defined]
        "SELECT pg_total_relation_size(%s::regclass)", (f'public."{table}"',)
    ).fetchone()
    return int(row[0])
