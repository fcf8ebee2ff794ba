"""The mover's actions: where each begins, where its work is done, and where it is committed."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fixtures.steps import step_of
from tests.races.pilot import HALTED, Pilot
from tests.races.tables import execute

Halt = tuple[str, bool]
"""A pattern, and whether to halt before the statement rather than after it."""


def _before(pattern: str) -> Halt:
    return pattern, True


def _after(pattern: str) -> Halt:
    return pattern, False


MEASURED = _before(r"waited_ms")
"""The ledger is told how long a lock took, right after the commit."""


@dataclass(frozen=True)
class Moment:
    """A place in the flight of one revision."""

    name: str
    revision: str
    way: tuple[Halt, ...]
    """The halts on the way to where it begins; the last is its begin."""
    done: str
    """The statement after which its work is done and not committed."""
    next: Halt | None = None
    """The first statement after its commit; None for the end of the flight."""
    down: bool = False
    logs: bool = False
    """Whether writers only leave keys in the log, so that nobody is told to retry."""

    def __str__(self) -> str:
        return f"{self.revision} {'down ' if self.down else ''}{self.name}"


def moves(
    revision: str, job: str, watched: str, *, locks: str = "SHARE ROW", down: bool = False
) -> tuple[Moment, ...]:
    """The moments of a move: its two batches, its replay, its switch, and its log's end."""
    build = rf'SELECT "s_refactor"\."m_{job}_build"\('
    drain = rf'SELECT "s_refactor"\."m_{job}_drain"\(\d'
    lock = rf'LOCK TABLE (ONLY )?"s"\."{watched}" IN {locks}'
    log_down = rf'LOCK TABLE (ONLY )?"s"\."{watched}" IN ACCESS'
    built = _before(rf'm_{job}_log" LIMIT 1000')
    return (
        Moment("first batch", revision, (_before(build),), build, _before(build), down, True),
        Moment("second batch", revision, (_before(build), _before(build)), build, built, down,
               True),
        Moment("replay", revision, (built, _before(drain)), drain, built, down, True),
        Moment("switch", revision, (built, _before(lock)), r"DO \$fence\$", MEASURED, down),
        Moment("end of the log", revision, (built, _before(r"DO \$fence\$"), _before(log_down)),
               r"DROP TRIGGER", MEASURED, down),
    )  # fmt: skip


def record(
    revision: str, table: str, *, down: bool = False, done: str = r"_log_\w*truncate"
) -> Moment:
    """The lock under which a log's triggers are hung."""
    return Moment(
        "capture",
        revision,
        (_before(rf'LOCK TABLE (ONLY )?"s"\."{table}"'),),
        rf"(?s)CREATE OR REPLACE TRIGGER.*{done}",
        MEASURED,
        down,
        True,
    )


COPY = (record("0003", "wide"), *moves("0003", "copy", "wide"))
OPEN = Moment(
    "opening", "0004", (_before(r'LOCK TABLE (ONLY )?"s"\."wide"'),), r"DO \$fence\$", MEASURED
)
CLOSE = Moment(
    "closing",
    "0004",
    (_before(r'LOCK TABLE (ONLY )?"s"\."wide"'),),
    r"(?s)CREATE.*refuse_now",
    MEASURED,
    True,
)
HAND_OVER = Moment(
    "hand-over", "0005", (_before(r'LOCK TABLE (ONLY )?"s"\."wide"'),), r"RENAME TO", MEASURED
)
HAND_BACK = (
    record("0005", "narrow", down=True),
    *moves("0005", "retired", "narrow", locks="ACCESS", down=True),
)
PARENTS = (
    record("0006", "narrow"),
    *moves("0007", "parent", "narrow"),
    Moment("capture", "0007", (_before(r'LOCK TABLE (ONLY )?"s"\."narrow"'),),
           r"(?s)DROP TRIGGER.*CREATE OR REPLACE TRIGGER", MEASURED, True),
)  # fmt: skip


SEED = "INSERT INTO {table} (id, person_id, programme, curriculum) VALUES ({id}, 1, 1, 1)"
"""What gives a replay something to do."""


class Flight:
    """One moment as an action that writers race with."""

    def __init__(self, pilot: Pilot, moment: Moment, *, seeded: str) -> None:
        self.pilot, self.moment, self.worked = pilot, moment, False
        *first, last = moment.way
        revision, down = moment.revision, moment.down

        def fly(runner: object) -> None:
            if down:
                pilot.runner.downgrade(step_of(revision))
            else:
                pilot.runner.upgrade(step_of(revision))

        halts = [*first, last]
        pilot.start(fly, until=halts[0][0], before=halts[0][1])
        for pattern, before in halts[1:]:
            if moment.name == "replay":
                execute(pilot.url, *(SEED.format(table=seeded, id=n) for n in (595, 596, 597)))
            pilot.until(pattern, before=before)

    def middle(self) -> None:
        self.pilot.go(self.moment.done)
        self.worked = self.pilot.wait(setbacks=True) == HALTED

    def end(self) -> None:
        """Where a lock set it back before, the middle is passed on the way."""
        if self.moment.next is None:
            self.pilot.finish()
            return
        pattern, before = self.moment.next
        self.pilot.go(pattern, before=before)
        # Once the work is done, a lock that holds it up comes after its commit; and where all
        # rows are gone, there may be nothing more to do.
        self.pilot.wait(setbacks=self.worked)
        assert self.pilot.error is None, f"never came to {pattern}: {self.pilot.error!r}"
