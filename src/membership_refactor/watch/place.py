"""Where the chain stands, and by which names its structures can be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg
from membership_refactor.planning import Stage, TableSplit
from membership_refactor.planning.targets import (
    deprecated_columns,
    retired_table,
    source_table,
    targets_at,
    targets_by_table,
)
from membership_refactor.scan.read.catalog import columns_portrait
from membership_refactor.steps.step import Direction
from membership_refactor.watch.attribution import Attribution, Use
from membership_refactor.watch.ledger_rows import Records
from membership_refactor.watch.old_shape_view import Notes
from membership_refactor.watch.read_server import edges_of, functions_of, own_texts
from membership_refactor.watch.samples import Count
from membership_refactor.watch.statement_kinds import OwnTexts, reader_made
from membership_refactor.watch.ways import Structure, Ways, named_in, ways


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Everything that a sample needs to know of the chain."""

    plan: TableSplit
    stage: Stage
    """The structure by whose names statements are read."""
    targets: tuple[str, ...]
    downs: int
    """How often a step has gone down."""
    by_name: bool
    """Whether the server takes two tables of one name for the same in its statistics (18+)."""
    attribution: Attribution
    own: OwnTexts
    ways: Ways
    """What leads to the targets at this moment. The attribution also knows what did so at the
    sample before, because a view may have been read before it was dropped."""
    words: tuple[str, ...]
    """Names of the plan's tables, and of whatever leads or led to them."""
    interest: re.Pattern[str]
    """Finds a statement that may use one of them."""
    old_shape: Notes | None = None
    """Where the plan has a view of the old shape."""

    def uses(self, text: str, stages: Iterable[str]) -> Iterator[Use]:
        """The targets of a statement that was written for one of those structures."""
        if not self.interest.search(text):
            return
        # The statistics keep the name of the first run, which a step up or down may have changed.
        same = {source_table(self.plan): retired_table(self.plan)}
        same |= {retired: source for source, retired in same.items()}
        found: dict[str, Use] = {}
        for stage in stages:
            for use in self.attribution.uses(text, Stage(stage)):
                target = use.target
                if target not in self.targets:
                    target = same.get(target, target)
                if target in self.targets:
                    found.setdefault(target, Use(target, use.columns, use.why))
        yield from found.values()

    def uses_by_what_is_gone(self, text: str) -> Iterator[Use]:
        """The targets to which a view, function, rule or policy led that this statement has made
        and that leads there no more. What read through it cannot be told from other statements."""
        made = reader_made(text)
        if made is None:
            return
        for target, table in self.tables().items():
            known = self.attribution.ways.get(target, {})
            if made not in known and named_in(text, [table.lower(), *known]):
                yield Use(target, (), f"{made} led to it, and does so no more")

    def lasting(self, counts: Mapping[str, Count]) -> Mapping[str, Count]:
        """Those that the next sample finds again: not what only names something that is gone."""
        now = {name for names in self.ways.values() for name in names}
        gone = {name for names in self.attribution.ways.values() for name in names} - now
        if not gone:
            return counts
        left, lost = _interest(set(self.words) - gone), _interest(gone)
        return {k: c for k, c in counts.items() if left.search(c.text) or not lost.search(c.text)}

    def is_whole(self, columns: Iterable[str]) -> bool:
        """Whether these are all columns of a table of the plan, as pg_dump names them."""
        portrait = self.attribution.portrait
        tables = filter(None, map(portrait.find, self.plan.tables))
        whole = [tuple(c.name for c in t.columns if not c.generated) for t in tables]
        return tuple(columns) in whole

    def tables(self) -> dict[str, str]:
        """The table of each target that stands and has one."""
        by_table = targets_by_table(self.plan).items()
        return {target: table for table, target in by_table if target in self.targets}


def read_place(runner: Runner, pg: Pg, ledger: Pg, records: Records, before: Ways) -> Place:
    """Read it from catalog and ledger. ``pg`` acts as the login, ``ledger`` as the owner.
    ``before`` is what led to the targets at the sample before."""
    plan, schema = runner.plan, runner.schema
    steps = runner.ledger.steps(ledger)
    up = {n for n, s in steps.items() if (s.direction is Direction.UP) is not s.open}
    edges = edges_of(pg, runner.names.ledger)
    now = ways(_structures(plan, schema), edges, functions_of(pg))
    notes = Notes.of(runner.names)
    leading = {target: {**before.get(target, {}), **names} for target, names in now.items()}
    with runner.engine.connect() as connection:
        portrait = columns_portrait(connection, schema)
    words = sorted({*plan.tables, *(name for names in leading.values() for name in names)})
    return Place(
        plan=plan,
        stage=_stage(up),
        targets=targets_at(plan, up),
        downs=records.downs(ledger),
        by_name=pg.info.server_version >= 180000,
        attribution=Attribution(plan, schema, portrait, leading),
        own=own_texts(pg, runner.names.ledger),
        ways=now,
        words=(*words, *((notes.mark,) if notes is not None else ())),
        interest=_interest(words),
        old_shape=notes,
    )


def _interest(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words)) + '|U&"', re.I)


def _structures(plan: TableSplit, schema: str) -> Iterator[Structure]:
    if plan.copy is not None:
        yield Structure(source_table(plan), schema, plan.source)
        yield Structure(retired_table(plan), schema, plan.retired)
    if plan.parent:
        columns = frozenset(plan.leaving)
        yield Structure(deprecated_columns(plan), schema, plan.child, columns)


def _stage(up: set[str]) -> Stage:
    if "drop_deprecated_columns" in up:
        return Stage.CURRENT
    if "retire_source" in up:
        return Stage.INTERIM
    return Stage.COPY if "copy_table" in up else Stage.LEGACY
