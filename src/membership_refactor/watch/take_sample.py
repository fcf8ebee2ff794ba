"""Take one round of samples of all servers, compare it with the round before, and record it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Engine

from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, Sessions, value
from membership_refactor.planning import Stage
from membership_refactor.planning.targets import (
    deprecated_columns,
    old_meaning,
    retired_table,
    source_table,
    targets_at,
)
from membership_refactor.scan.read.catalog import columns_portrait
from membership_refactor.scan.resolve.interest import WORDS
from membership_refactor.steps.step import Direction
from membership_refactor.watch import pg_stat_statements as statistics
from membership_refactor.watch.attribution import Attribution, Use
from membership_refactor.watch.ledger_rows import Records, Seen
from membership_refactor.watch.read_server import (
    edges_of,
    own_texts,
    read_statistics,
    sql_functions,
    unnamed_standbys,
)
from membership_refactor.watch.samples import Count, Earlier, Sample, state_of
from membership_refactor.watch.server_marks import NOW
from membership_refactor.watch.statement_kinds import (
    Kind,
    OwnTexts,
    is_copy_out,
    is_dump_lock,
    kind_of,
    masked,
    plain,
)
from membership_refactor.watch.ways import Structure, ways
from membership_refactor.watch.windows import Rise, holes_between, rises

PRIMARY = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is watched besides the primary, and how often."""

    standbys: tuple[tuple[str, Engine], ...] = ()
    """Name and engine of each standby."""
    no_readers: tuple[str, ...] = ()
    """Names of what receives the WAL without letting anybody read."""
    every: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one round has recorded, for each target and source."""

    target: str
    source: str
    began: datetime | None
    """None at the first sample, which covers nothing."""
    ended: datetime
    holes: tuple[str, ...]
    uses: int
    who: tuple[str, ...]

    @property
    def covered(self) -> bool:
        return self.began is not None and not self.holes


@dataclass
class _Place:
    """Where the chain stands, and what can be used of it."""

    stage: Stage
    targets: tuple[str, ...]
    downs: int
    by_name: bool
    """Whether the server takes two tables of one name for the same in its statistics (18+)."""
    attribution: Attribution
    own: OwnTexts
    words: tuple[str, ...]
    interest: re.Pattern[str]


class Watch:
    """Takes samples of one plan's tables."""

    def __init__(self, runner: Runner, request: Request) -> None:
        self.runner, self.request = runner, request
        self.plan, self.names = runner.plan, runner.names
        self.records = Records(runner.ledger)

    def take(self) -> tuple[Outcome, ...]:
        """Sample every server once, and record what that proves. RefactorError where there is no
        ledger, or where a server cannot be read."""
        look = Sessions(self.runner.engine, role=None, label="watch")
        with look.open(as_owner=False, purpose="sample") as pg:
            with self.runner.sessions("watch").open(purpose="ledger") as ledger:
                self.records.require(ledger)
                place = self._place(pg, ledger)
                at = value(pg, NOW)
                samples = [self._sample(pg, PRIMARY, at, place)]
            samples += [self._standby(name, engine, at, place) for name, engine in self._standbys]
            hole = unnamed_standbys(
                pg, sampled=len(self._standbys), no_readers=self.request.no_readers
            )
        with self.runner.sessions("watch").open(purpose="ledger") as ledger, ledger.transaction():
            return tuple(self._compare(ledger, samples, place, hole))

    @property
    def _standbys(self) -> tuple[tuple[str, Engine], ...]:
        return self.request.standbys

    # --- reading ------------------------------------------------------------------------

    def _place(self, pg: Pg, ledger: Pg) -> _Place:
        steps = self.runner.ledger.steps(ledger)
        up = {n for n, s in steps.items() if (s.direction is Direction.UP) is not s.open}
        functions = sql_functions(pg)
        bodies = [(n, frozenset(w.lower() for w in WORDS.findall(b))) for n, b in functions]
        leading = ways(self._structures(), edges_of(pg), bodies)
        plan = self.plan
        with self.runner.engine.connect() as connection:
            portrait = columns_portrait(connection, self.names.schema)
        words = {*plan.tables, *(name for names in leading.values() for name in names)}
        return _Place(
            stage=_stage(up),
            targets=targets_at(plan, up),
            downs=self.records.downs(ledger),
            by_name=pg.info.server_version >= 180000,
            attribution=Attribution(plan, self.names.schema, portrait, leading),
            own=own_texts(pg, self.names.ledger),
            words=tuple(sorted(words)),
            interest=re.compile("|".join(map(re.escape, sorted(words))) + '|U&"', re.I),
        )

    def _structures(self) -> tuple[Structure, ...]:
        plan, schema = self.plan, self.names.schema
        found = []
        if plan.copy is not None:
            found += [
                Structure(source_table(plan), schema, plan.source),
                Structure(retired_table(plan), schema, plan.retired),
            ]
        if plan.parent:
            columns = frozenset(plan.leaving)
            found.append(Structure(deprecated_columns(plan), schema, plan.child, columns))
        return tuple(found)

    def _sample(self, pg: Pg, server: str, at: datetime, place: _Place) -> Sample:
        return read_statistics(pg, server, at, self.request.every, place.words)

    def _standby(self, name: str, engine: Engine, at: datetime, place: _Place) -> Sample:
        sessions = Sessions(engine, role=None, label="watch")
        with sessions.open(as_owner=False, purpose="sample") as pg:
            return self._sample(pg, name, at, place)

    # --- comparing ----------------------------------------------------------------------

    def _compare(
        self, pg: Pg, samples: list[Sample], place: _Place, hole: tuple[str, ...]
    ) -> Iterator[Outcome]:
        earlier = self.records.earlier(pg, statistics.NAME)
        holes = list(hole)
        holes += [
            f"{name} was sampled before and is not sampled now"
            for name in earlier.keys() - {s.server for s in samples}
        ]
        uses: dict[str, Counter[str]] = {}
        chain = {"downgrades": str(place.downs), "stage": place.stage.value}
        for sample in (replace(s, marks={**s.marks, **chain}) for s in samples):
            before = earlier.get(sample.server)
            if before is not None:
                holes += _of_server(sample.server, holes_between(before, sample))
            elif earlier:
                holes.append(f"{sample.server} is sampled from now on")
            births = _births(before, sample, place)
            for seen in self._seen(before, sample, births, place):
                self.records.use(pg, seen)
                if seen.dated:
                    uses.setdefault(seen.target, Counter())[seen.role] += seen.uses
            self.records.keep(pg, sample, state_of(sample, births, place.targets))
        self.records.forget(pg, statistics.NAME, [s.server for s in samples])
        primary, first = samples[0], earlier.get(PRIMARY)
        for target in place.targets:
            if target == old_meaning(self.plan):
                continue
            found = uses.get(target, Counter())
            new = [] if first is None or target in first.targets else ["it was not there before"]
            outcome = Outcome(
                target=target,
                source=statistics.NAME,
                began=first.at if first is not None else None,
                ended=primary.at,
                holes=tuple(dict.fromkeys([*holes, *new] if first else primary.holes)),
                uses=found.total(),
                who=tuple(sorted(found)),
            )
            self.records.interval(pg, outcome)
            yield outcome

    def _seen(
        self,
        before: Earlier | None,
        sample: Sample,
        births: Mapping[str, tuple[str, ...]],
        place: _Place,
    ) -> Iterator[Seen]:
        dumps = _dumping(sample.counts.values())
        for rise in rises(before, sample):
            count = sample.counts[rise.key]
            if not place.interest.search(count.text):
                continue
            kind = kind_of(
                count.text, place.own, toplevel=count.toplevel, dumps=_is_dump(count, dumps)
            )
            if kind is not Kind.USE:
                continue
            for use in self._targets(count.text, births[rise.key], place):
                yield _seen_use(sample, count, rise, use)

    def _targets(self, text: str, births: Iterable[str], place: _Place) -> Iterator[Use]:
        found: dict[str, Use] = {}
        for birth in births:
            for use in place.attribution.uses(text, Stage(birth)):
                target = use.target
                if target == source_table(self.plan) and target not in place.targets:
                    target = retired_table(self.plan)
                if target in place.targets:
                    found.setdefault(target, Use(target, use.columns, use.why))
        yield from found.values()


def _stage(up: set[str]) -> Stage:
    """The structure by whose names statements are read."""
    if "drop_deprecated_columns" in up:
        return Stage.CURRENT
    if "retire_source" in up:
        return Stage.INTERIM
    return Stage.COPY if "copy_table" in up else Stage.LEGACY


def _births(before: Earlier | None, sample: Sample, place: _Place) -> dict[str, tuple[str, ...]]:
    """Under which structures each statement may have been run first.

    Before version 18 the statistics tell tables apart by their OIDs and show the text of the first
    run. So the text of a statement that reads the retired table may still have the name under
    which it was read first, which means another table now.
    """
    now = place.stage.value
    last = before.marks.get("stage", now) if before is not None else now
    if place.by_name:
        return dict.fromkeys(sample.counts, tuple(dict.fromkeys((last, now))))
    unknown = tuple(dict.fromkeys((Stage.COPY.value, now)))
    new = tuple(dict.fromkeys((last, now))) if before is not None else unknown
    known = before.births if before is not None else {}
    return {key: known.get(key, new) for key in sample.counts}


def _of_server(server: str, holes: Iterable[str]) -> list[str]:
    return [hole if server == PRIMARY else f"{server}: {hole}" for hole in holes]


def _dumping(counts: Iterable[Count]) -> Mapping[str, int]:
    """How often each role has locked tables as pg_dump does."""
    found: Counter[str] = Counter()
    for count in counts:
        if is_dump_lock(count.text):
            found[count.role] += count.calls
    return found


def _is_dump(count: Count, locks: Mapping[str, int]) -> bool:
    return is_copy_out(count.text) and count.calls <= locks.get(count.role, 0)


def _seen_use(sample: Sample, count: Count, rise: Rise, use: Use) -> Seen:
    identity = json.dumps([sample.source, sample.server, count.role, plain(count.text), use.why])
    return Seen(
        target=use.target,
        digest=sha256(identity.encode()).hexdigest(),
        source=sample.source,
        server=sample.server,
        role=count.role,
        application="",
        statement=masked(count.text),
        columns=use.columns,
        why=use.why,
        uses=rise.calls,
        at=sample.at,
        dated=rise.dated,
    )
