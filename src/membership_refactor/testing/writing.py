"""Statements of applications, committed to the tables of a plan at a place of its chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from membership_refactor.planning import Conflict, TableSplit
from membership_refactor.rehearsal.documented import Where, documented
from membership_refactor.rehearsal.probe_statements import Probe, Row, Style, parent_probes, probes
from membership_refactor.rehearsal.statement_outcomes import Difference, Outcome
from membership_refactor.rehearsal.tables_to_try import (
    Wide,
    choose,
    columns_of,
    parents_of,
    rows_of,
    wide_table,
)
from membership_refactor.sql.quoting import ident

Outcomes = dict[tuple[str, str], Outcome]
"""By id of the row and label of the statement."""
_REMOVE = "DELETE the row"


@dataclass(slots=True, kw_only=True)
class Writers:
    """The statements about a few rows, and what became of them before the plan."""

    wide: Wide
    ids: list[str]
    before: Outcomes = field(default_factory=dict)

    @staticmethod
    def begin(pg: psycopg.Connection[Any], plan: TableSplit, schema: str) -> Writers:
        """Write to the wide table before the plan; the database can be dropped afterwards."""
        wide = wide_table(pg, plan, schema)
        writers = Writers(wide=wide, ids=choose(pg, wide, ()))
        where = Where(step="", table="source", style=Style.OLD)
        writers.before = {key: now for key, _, now in writers._written(pg, where)}
        return writers

    def write(self, pg: psycopg.Connection[Any], where: Where) -> Iterator[str]:
        """Commit every statement of that style. A line for each that was taken before the plan,
        is refused now, and is not documented as refused."""
        plan = self.wide.plan
        for (id, label), probe, now in self._written(pg, where):
            before = self.before.get((id, label))
            if before is None or not before.ok or now.ok:
                continue
            if documented(plan, where, probe, Difference.REFUSED, before, now) is None:
                yield f"{self.wide.id.said} {id}: {label}: {now}"
        if where.style is Style.NEW:
            # As an application does that moves its children: no parent is left without any.
            parent, child = self.wide.name("parent"), self.wide.name("copy")
            pg.execute(
                f"DELETE FROM {parent} AS p WHERE NOT EXISTS (SELECT FROM {child} AS c "
                f"WHERE c.{ident(plan.link)} = p.{ident(plan.parent_id)})".encode()
            )

    def _written(
        self, pg: psycopg.Connection[Any], where: Where
    ) -> Iterator[tuple[tuple[str, str], Probe, Outcome]]:
        there = columns_of(pg, self.wide.name(where.table))
        target = self.wide.target(where, there)
        rows = self._rows(pg, where, there, target.columns)
        make = parent_probes if where.style is Style.PARENT else probes
        names = list(rows)
        for n, id in enumerate(names):
            other = rows[names[(n + 1) % len(names)]]
            found = [p for p in make(target, rows[id], other) if self._may_be_tried(p)]
            # The first row's group has others; its statements come before it is removed.
            found.sort(key=lambda probe: probe.label == _REMOVE)
            for probe in found:
                if probe.label != _REMOVE or n == 0:
                    yield (id, probe.label), probe, _outcome(pg, probe)

    def _may_be_tried(self, probe: Probe) -> bool:
        """Whether the plan's steps take what the statement leaves: no key that is too long, and
        no group whose rows disagree where the plan says that they agree."""
        plan = self.wide.plan
        agree = plan.with_policy(Conflict.AGREE)
        parting = {*plan.key, *agree, plan.link} if agree else set()
        other = probe.label.endswith("another row's value")
        return "long text" not in probe.label and not (other and parting & {*probe.columns})

    def _rows(
        self,
        pg: psycopg.Connection[Any],
        where: Where,
        there: tuple[str, ...],
        named: tuple[str, ...],
    ) -> Mapping[str, Row]:
        plan, wide = self.wide.plan, self.wide
        if where.style is Style.PARENT:
            links = rows_of(pg, wide, wide.name("copy"), self.ids, (plan.link,))
            return parents_of(pg, wide, links, named)
        if not {*named} <= {*there}:
            return {}
        return rows_of(pg, wide, wide.name(where.table), self.ids, named)


def _outcome(pg: psycopg.Connection[Any], probe: Probe) -> Outcome:
    tag = ""
    try:
        with pg.transaction():
            for text in probe.texts:
                tag = pg.execute(text.encode()).statusmessage or ""
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        return Outcome(sqlstate=error.sqlstate or "XX000", message=said[:200])
    return Outcome(tag=tag)
