"""Take one round of samples of all servers, compare it with the round before, and record it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from membership_refactor.errors import RefactorError
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.server_errors import in_one_line
from membership_refactor.execution.sessions import Pg, Sessions, run, value
from membership_refactor.planning.targets import deprecated_columns, old_meaning
from membership_refactor.watch import pg_stat_statements as statistics
from membership_refactor.watch import scan_counters, server_log
from membership_refactor.watch.ledger_rows import Outcome, Records, Seen
from membership_refactor.watch.log_round import LogRound, read_log
from membership_refactor.watch.place import Place, read_place
from membership_refactor.watch.read_server import (
    not_a_standby,
    read_statistics,
    receivers_of,
    unnamed_standbys,
)
from membership_refactor.watch.running_sessions import SESSIONS, running_uses
from membership_refactor.watch.samples import Earlier, Sample, state_of
from membership_refactor.watch.server_marks import NOW
from membership_refactor.watch.statement_uses import births_of, uses_between
from membership_refactor.watch.windows import holes_between, last_of_same_server, rises

PRIMARY = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is watched besides the primary's statistics, and how often."""

    standbys: tuple[tuple[str, Engine], ...] = ()
    """Name and engine of each standby."""
    no_readers: tuple[str, ...] = ()
    """Names of what receives the WAL without letting anybody read."""
    logs: tuple[str, ...] = ()
    """Patterns of the primary's log files."""
    standby_logs: tuple[tuple[str, str], ...] = ()
    """Name of a standby, and a pattern of its log files."""
    every: float | None = None


class Watch:
    """Takes samples of one plan's tables."""

    def __init__(self, runner: Runner, request: Request) -> None:
        self.runner, self.request = runner, request
        self.plan = runner.plan
        self.records = Records(runner.ledger)
        self.taken: datetime | None = None
        """When this object took its last sample."""

    def take(self) -> tuple[Outcome, ...]:
        """Sample every server once, and record what that proves.

        RefactorError where there is no ledger, or where the primary cannot be read. A standby that
        cannot be read is a hole.
        """
        look = Sessions(self.runner.engine, role=None, label="watch")
        with look.open(as_owner=False, purpose="sample") as pg:
            with self.runner.sessions("watch").open(purpose="ledger") as ledger:
                self.records.require(ledger)
                earlier = self.records.earlier(ledger, statistics.NAME).get(PRIMARY)
                restored = self._restored(earlier)
                led = earlier.ways if earlier is not None else {}
                place = read_place(self.runner, pg, ledger, self.records, led)
                logged = self.records.earlier(ledger, server_log.NAME)
            at = value(pg, NOW)
            samples = [self._sample(pg, PRIMARY, at, place)]
            sessions = run(pg, SESSIONS).fetchall()
            more, receivers, holes, logs = self._standbys(at, place, samples[0], logged)
            # One server under two names is one.
            names = {s.marks.get("started", s.server) for s in more}
            unread = len(self.request.standbys) - len(more)
            holes += unnamed_standbys(
                [*receivers_of(pg), *receivers],
                sampled=len(names) + unread,
                no_readers=self.request.no_readers,
            )
            holes += restored
            logs = [*self._log(pg, PRIMARY, at, place, logged), *logs]
        with self.runner.sessions("watch").open(purpose="ledger") as ledger, ledger.transaction():
            before = self.records.earlier(ledger, statistics.NAME).get(PRIMARY)
            for seen in running_uses(sessions, before, samples[0], place):
                self.records.use(ledger, seen)
            found = list(self._of_statistics(ledger, [*samples, *more], place, holes))
            if self.request.logs:
                found += self._of_log(ledger, logs, logged, place, holes)
        self.taken = at
        return tuple(found)

    def _restored(self, earlier: Earlier | None) -> list[str]:
        """A hole where the ledger has not the sample that was taken last: the copy of the server
        that runs now was made before it."""
        if self.taken is None or (earlier is not None and earlier.at >= self.taken):
            return []
        return ["the newest sample is not in the ledger: an older copy of the server was restored"]

    def _sample(self, pg: Pg, server: str, at: datetime, place: Place) -> Sample:
        found = read_statistics(pg, server, at, self.request.every, place.words)
        version = pg.info.server_version
        query = scan_counters.marks(self.runner.schema, self.plan.tables, version)
        counted = run(pg, query).fetchall()
        return replace(found, marks={**found.marks, **dict(counted)})

    def _standbys(
        self, at: datetime, place: Place, primary: Sample, logged: Mapping[str, Earlier]
    ) -> tuple[list[Sample], list[tuple[str, str, str]], list[str], list[LogRound]]:
        """Their samples, what receives the WAL from them, holes, and what their logs show."""
        found: list[Sample] = []
        logs: list[LogRound] = []
        receivers: list[tuple[str, str, str]] = []
        holes: list[str] = []
        for name, engine in self.request.standbys:
            sessions = Sessions(engine, role=None, label="watch")
            try:
                with sessions.open(as_owner=False, purpose="sample") as pg:
                    found.append(self._sample(pg, name, at, place))
                    receivers += receivers_of(pg)
                    logs += self._log(pg, name, at, place, logged)
                wrong = not_a_standby(found[-1], primary)
                holes += [wrong] if wrong is not None else []
            except (RefactorError, DBAPIError, psycopg.Error) as error:
                holes.append(f"{name} cannot be read: {reason_of(error)}")
        return found, receivers, holes, logs

    def _log(
        self, pg: Pg, server: str, at: datetime, place: Place, logged: Mapping[str, Earlier]
    ) -> Iterator[LogRound]:
        """What the log of that server shows, if its files are named."""
        of_standby = [pattern for name, pattern in self.request.standby_logs if name == server]
        patterns = self.request.logs if server == PRIMARY else of_standby
        if patterns:
            sample = Sample(source=server_log.NAME, server=server, at=at, every=self.request.every)
            yield read_log(pg, sample, patterns, logged.get(server), place)

    # --- comparing and recording --------------------------------------------------------

    def _of_statistics(
        self, pg: Pg, samples: list[Sample], place: Place, of_servers: Sequence[str]
    ) -> Iterator[Outcome]:
        holes = list(of_servers)
        earlier = self.records.earlier(pg, statistics.NAME)
        asked = [PRIMARY, *(name for name, _ in self.request.standbys)]
        dropped = [name for name in earlier if name not in asked]
        holes += [f"{name} was sampled before and is not sampled now" for name in dropped]
        seen: list[Seen] = []
        scanned: dict[str, list[str]] = {}
        for taken in samples:
            same = last_of_same_server(earlier, taken)
            sample, before = self._explained(taken, same, place), earlier.get(taken.server)
            if before is not None:
                holes += _of_server(sample.server, holes_between(before, sample))
                for target, table in self._scanned_tables(place):
                    found = scan_counters.unexplained(before, sample, table)
                    scanned.setdefault(target, []).extend(_of_server(sample.server, found))
            elif earlier:
                holes.append(f"{sample.server} is sampled from now on")
            births = births_of(same, sample, place)
            seen += uses_between(same, sample, births, place)
            lasting = replace(sample, counts=place.lasting(sample.counts))
            state = {**state_of(lasting, births, place.targets), "ways": place.ways}
            self.records.keep(pg, sample, state)
        self.records.forget(pg, statistics.NAME, asked)
        first = earlier.get(PRIMARY)
        targets = [t for t in place.targets if t != old_meaning(self.plan)]
        shown = holes if first is not None else list(samples[0].holes)
        by_target = {target: [*shown, *scanned.get(target, ())] for target in targets}
        yield from self._record(pg, samples[0], first, by_target, seen)

    def _scanned_tables(self, place: Place) -> list[tuple[str, str]]:
        """Targets that are whole tables, each with its table."""
        columns = deprecated_columns(self.plan)
        return [(target, name) for target, name in place.tables().items() if target != columns]

    def _explained(self, sample: Sample, before: Earlier | None, place: Place) -> Sample:
        """The sample with the marks of the chain, and of when a known statement used a table."""
        at_place = _at_place(sample, place)
        rose = [sample.counts[r.key] for r in rises(before, sample)]
        notes = place.old_shape
        known = (count for count in rose if notes is None or not notes.has(count))
        used = any(place.interest.search(count.text) for count in known)
        mark = scan_counters.explained_at(before, at_place, used=used)
        return replace(at_place, marks={**at_place.marks, scan_counters.EXPLAINED: mark})

    def _of_log(
        self,
        pg: Pg,
        logs: Sequence[LogRound],
        earlier: Mapping[str, Earlier],
        place: Place,
        holes: Sequence[str],
    ) -> Iterator[Outcome]:
        named = [name for name, _ in self.request.standbys]
        unread = [name for name in named if name not in {log.sample.server for log in logs}]
        shown = [*holes, *(f"{name}: its log is not read; name it with --standby-log"
                           for name in unread)]  # fmt: skip
        by_target = {target: list(shown) for target in place.targets}
        seen: list[Seen] = []
        for log in logs:
            sample, before = _at_place(log.sample, place), earlier.get(log.sample.server)
            state = {**state_of(sample, {}, place.targets), "files": log.files}
            self.records.keep(pg, sample, state)
            between = holes_between(before, sample) if before is not None else sample.holes
            if before is None and PRIMARY in earlier:
                between = (*between, "its log is read from now on")
            for target in place.targets:
                by_target[target] += _of_server(sample.server, [*between, *log.blind[target]])
            seen += log.seen if before is not None else ()
        self.records.forget(pg, server_log.NAME, [PRIMARY, *named])
        first = earlier.get(PRIMARY)
        yield from self._record(pg, _at_place(logs[0].sample, place), first, by_target, seen)

    def _record(
        self,
        pg: Pg,
        sample: Sample,
        first: Earlier | None,
        holes: Mapping[str, Iterable[str]],
        seen: Iterable[Seen],
    ) -> Iterator[Outcome]:
        uses: dict[str, Counter[str]] = {}
        for use in seen:
            self.records.use(pg, use)
            if use.dated:
                uses.setdefault(use.target, Counter())[use.role] += use.uses
        for target, why in holes.items():
            found = uses.get(target, Counter())
            new = [] if first is None or target in first.targets else ["it was not there before"]
            outcome = Outcome(
                target=target,
                source=sample.source,
                began=first.at if first is not None else None,
                ended=sample.at,
                holes=tuple(dict.fromkeys([*why, *new])),
                uses=found.total(),
                who=tuple(sorted(found)),
            )
            self.records.interval(pg, outcome)
            yield outcome


def _at_place(sample: Sample, place: Place) -> Sample:
    chain = {"downgrades": str(place.downs), "stage": place.stage.value}
    return replace(sample, marks={**sample.marks, **chain})


def _of_server(server: str, holes: Iterable[str]) -> list[str]:
    return [hole if server == PRIMARY else f"{server}: {hole}" for hole in holes]


def reason_of(error: Exception) -> str:
    """Why a server could not be read, in one line."""
    inner = error.orig if isinstance(error, DBAPIError) else error
    return in_one_line(inner) if isinstance(inner, psycopg.Error) else str(inner).split("\n")[0]
