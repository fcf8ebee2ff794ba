"""Trials: every statement at each stage, compared with its outcome before the first step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from membership_refactor.planning import TableSplit
from membership_refactor.rehearsal.documented import Where, documented, styles_at
from membership_refactor.rehearsal.findings import Finding, Kind, Rehearsal
from membership_refactor.rehearsal.probe_statements import Row, Style, parent_probes, probes
from membership_refactor.rehearsal.probing import Prober, Tried, Writer, writers
from membership_refactor.rehearsal.server_roles import settings_of
from membership_refactor.rehearsal.statement_outcomes import Difference, difference, stable
from membership_refactor.rehearsal.subject import Wanted
from membership_refactor.rehearsal.tables_to_try import (
    Wide,
    choose,
    columns_of,
    highest_number,
    parents_of,
    rows_of,
    wide_table,
)
from membership_refactor.sql.names import ledger_schema

MOST_ROLES = 12
_EFFECTS = (Difference.EFFECT, Difference.CONTENT)


@dataclass
class Trials:
    """A few rows of the clone, and what each role could do with them before the first step."""

    prober: Prober
    wide: Wide
    ids: list[str]
    rows: dict[str, Mapping[str, str | None]] = field(default_factory=dict)
    before: Tried = field(default_factory=dict)

    @staticmethod
    def begin(
        plan: TableSplit,
        schema: str,
        wanted: Wanted,
        admin: psycopg.Connection[Any],
        source: psycopg.Connection[Any],
        done: Rehearsal,
    ) -> Trials:
        """Choose roles and rows in the clone; settings of the roles are the source's."""
        wide = wide_table(admin, plan, schema)
        found = writers(admin, wide.name("source"))
        chosen = [r for r in found if not wanted.roles or r in wanted.roles][:MOST_ROLES]
        done.not_tried += tuple(f"role {r}" for r in found if r not in chosen)
        done.not_tried += tuple(
            f"role {r}, which may not write {plan.source}" for r in wanted.roles if r not in found
        )
        done.roles = tuple(chosen)
        own = plan.tables
        ledger = ledger_schema(schema)

        def ignored(schema_of: str, table: str) -> bool:
            return schema_of == ledger or (schema_of == schema and table in own)

        prober = Prober(
            admin,
            [Writer(role, settings_of(source, role)) for role in chosen],
            ignored,
            highest_number(admin, wide),
        )
        seen = prober.visible(wide.name("source"), wide.id, 1)
        return Trials(prober, wide, choose(admin, wide, seen))

    def try_before(self) -> int:
        """Note what every role can do now; twice, to know what differs at each run by itself.

        Returns how many statements were tried.
        """
        pg, wide = self.prober.pg, self.wide
        self.rows = dict(rows_of(pg, wide, wide.name("source"), self.ids, wide.columns))
        target = wide.target(Where(step="", table="source", style=Style.OLD), wide.columns)
        first = self.prober.try_all(target, self.rows, probes)
        second = self.prober.try_all(target, self.rows, probes)
        self.before = {
            key: (probe, stable(outcome, second[key][1])) for key, (probe, outcome) in first.items()
        }
        return len(first) + len(second)

    def differences_at(self, stage: str, step: str | None) -> Iterator[Finding]:
        """Try every statement when that step has run, and yield what behaves differently."""
        for table, style in styles_at(self.wide.plan, step):
            where = Where(step=step or "", table=table, style=style)
            there = columns_of(self.prober.pg, self.wide.name(table))
            target = self.wide.target(where, there)
            rows = self._rows(where, there, target.columns)
            make = parent_probes if style is Style.PARENT else probes
            if rows:
                yield from self._judged(stage, where, self.prober.try_all(target, rows, make))

    def _rows(
        self, where: Where, there: tuple[str, ...], named: tuple[str, ...]
    ) -> Mapping[str, Row]:
        """The chosen rows as they are now; as they were where the table no longer has them."""
        pg, wide, plan = self.prober.pg, self.wide, self.wide.plan
        if where.style is Style.OLD:
            if set(named) <= set(there):
                self.rows |= rows_of(pg, wide, wide.name(where.table), self.ids, named)
            return self.rows
        if where.style is Style.NEW:
            return rows_of(pg, wide, wide.name("copy"), self.ids, named)
        links = rows_of(pg, wide, wide.name("copy"), self.ids, (plan.link,))
        return parents_of(pg, wide, links, named)

    def _judged(self, stage: str, where: Where, now: Tried) -> Iterator[Finding]:
        plan = self.wide.plan
        gone = {plan.link, *(plan.leaving if where.style is Style.NEW else ())}
        for key, (probe, outcome) in now.items():
            if key not in self.before:
                continue
            earlier = self.before[key][1]
            kind = difference(earlier, outcome, gone)
            if kind is None or (kind in _EFFECTS and _writes_less(where, probe.label)):
                continue
            yield Finding(
                kind=Kind(kind.value),
                stages=(stage,),
                what=str(outcome),
                before=str(earlier),
                sqlstate=outcome.sqlstate or "",
                table=f"{self.wide.name(where.table)}, {where.style}",
                roles=(key[0],),
                statements=(probe.label,),
                expected=documented(plan, where, probe, kind, earlier, outcome) or "",
            )


def _writes_less(where: Where, label: str) -> bool:
    """Whether the statement names fewer columns or another table than the one before the first
    step, so that other triggers fire for it."""
    if where.style is Style.PARENT:
        return True
    return where.style is Style.NEW and label.startswith("UPDATE every")
