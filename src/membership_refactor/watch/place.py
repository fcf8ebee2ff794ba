"""Where the chain stands, and by which names its structures can be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg
from membership_refactor.planning import Stage, TableSplit
from membership_refactor.planning.targets import (
    deprecated_columns,
    retired_table,
    source_table,
    targets_at,
)
from membership_refactor.scan.read.catalog import columns_portrait
from membership_refactor.scan.resolve.interest import WORDS
from membership_refactor.steps.step import Direction
from membership_refactor.watch.attribution import Attribution, Use
from membership_refactor.watch.ledger_rows import Records
from membership_refactor.watch.read_server import edges_of, own_texts, sql_functions
from membership_refactor.watch.statement_kinds import OwnTexts
from membership_refactor.watch.ways import Structure, ways


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
    words: tuple[str, ...]
    """Names of the plan's tables, and of whatever leads to them."""
    interest: re.Pattern[str]
    """Finds a statement that may use one of them."""

    def uses(self, text: str, stages: Iterable[str]) -> Iterator[Use]:
        """The targets of a statement that was written for one of those structures."""
        if not self.interest.search(text):
            return
        found: dict[str, Use] = {}
        for stage in stages:
            for use in self.attribution.uses(text, Stage(stage)):
                target = use.target
                if target == source_table(self.plan) and target not in self.targets:
                    target = retired_table(self.plan)
                if target in self.targets:
                    found.setdefault(target, Use(target, use.columns, use.why))
        yield from found.values()


def read_place(runner: Runner, pg: Pg, ledger: Pg, records: Records) -> Place:
    """Read it from catalog and ledger. ``pg`` acts as the login, ``ledger`` as the owner."""
    plan, schema = runner.plan, runner.schema
    steps = runner.ledger.steps(ledger)
    up = {n for n, s in steps.items() if (s.direction is Direction.UP) is not s.open}
    functions = sql_functions(pg)
    bodies = [(n, frozenset(w.lower() for w in WORDS.findall(b))) for n, b in functions]
    leading = ways(_structures(plan, schema), edges_of(pg), bodies)
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
        words=tuple(words),
        interest=re.compile("|".join(map(re.escape, words)) + '|U&"', re.I),
    )


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
