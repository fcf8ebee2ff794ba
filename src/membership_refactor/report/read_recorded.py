"""Reads from the ledger what no other verb shows: waits, replaced values, merges, the history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from membership_refactor.execution.felt_records import FeltRecords
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, is_there, run, value
from membership_refactor.inspect.all_comparisons import VERIFIED
from membership_refactor.report.page_values import (
    FeltDuring,
    Happened,
    MergeRun,
    Recorded,
    StepChecks,
    Stretch,
    Verification,
    Wait,
)
from membership_refactor.sql.parallel.ledger_tables import lost
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.unique_identity.merge_record import records_in, runs_in

SHOWN = 100
"""Events of the history, the newest."""
NOTHING = Recorded(checks={})


def read_recorded(runner: Runner, pg: Pg) -> Recorded:
    """Read one plan's records. There has to be a ledger."""
    return _Reader(runner, pg).recorded()


class _Reader:
    def __init__(self, runner: Runner, pg: Pg) -> None:
        self.runner, self.pg, self.ledger = runner, pg, runner.ledger
        self.names, self.plan = runner.names, literal(runner.plan.name)

    def recorded(self) -> Recorded:
        return Recorded(
            checks=dict(self._checks()),
            stretches=tuple(self._stretches()),
            waits=tuple(self._waits()),
            felt=tuple(self._felt()),
            replaced=tuple(self._replaced()),
            repaired=self._rows("repair", "count(*)")[0][0],
            verified=self._verified(),
            merges=tuple(self._merges()),
            history=tuple(self._history()),
            bytes=self._bytes(),
        )

    def _checks(self) -> Iterator[tuple[str, StepChecks]]:
        """The newest result of each check since the step last began."""
        rows = run(
            self.pg,
            "SELECT step, count(*) FILTER (WHERE broken = 0), count(*) FILTER (WHERE broken > 0)\n"
            "FROM (SELECT DISTINCT ON (c.step, c.name) c.step, c.broken\n"
            f"  FROM {self.ledger.table('check_result')} AS c\n"
            f"  JOIN {self.ledger.table('step')} AS s USING (plan, step, direction)\n"
            f"  WHERE c.plan = {self.plan} AND c.checked_at >= s.started_at\n"
            "  ORDER BY c.step, c.name, c.n DESC) AS c GROUP BY step",
        ).fetchall()
        for step, passed, failed in rows:
            yield step, StepChecks(passed=passed, failed=failed)

    def _stretches(self) -> Iterator[Stretch]:
        rows = self._rows(
            "usage_interval",
            "target, source, began, ended, uses, covered, detail ->> 'who', detail -> 'holes'",
            "ORDER BY began, n",
        )
        for target, source, began, ended, uses, covered, who, holes in rows:
            yield Stretch(
                target=target,
                source=source,
                began=began,
                ended=ended,
                uses=uses,
                covered=covered,
                who=tuple(who.split(", ")) if who else (),
                holes=tuple(holes or ()),
            )

    def _waits(self) -> Iterator[Wait]:
        seconds = "(detail ->> 'seconds')::float8"
        rows = self._rows(
            "event",
            f"detail ->> 'reason', count(*), sum({seconds}), max({seconds})",
            "AND event = 'waited' GROUP BY 1 ORDER BY 3 DESC",
        )
        for reason, times, total, longest in rows:
            yield Wait(reason=reason, times=times, seconds=total, longest=longest)

    def _felt(self) -> Iterator[FeltDuring]:
        for action, spans in FeltRecords(self.ledger).all_spans(self.pg).items():
            measured = tuple(span for span in spans if span.writes)
            if measured:
                yield FeltDuring(
                    step=self.runner.chain.revisions.label(action.step),
                    direction=action.direction,
                    title=action.title,
                    spans=measured,
                )

    def _replaced(self) -> Iterator[tuple[str, int]]:
        table = qualified(self.ledger.name, self.names.own_name("replaced"))
        columns = self.runner.plan.parent_values
        if not columns or not is_there(self.pg, table):
            return
        counts = ", ".join(f"count(*) FILTER (WHERE {lost(column)})" for column in columns)
        found = run(self.pg, f"SELECT {counts} FROM {table}").fetchall()[0]
        yield from ((c, n) for c, n in zip(columns, found, strict=True) if n)

    def _verified(self) -> Verification | None:
        rows = self._rows(
            "event",
            "at, step, detail -> 'comparisons'",
            f"AND event = '{VERIFIED}' ORDER BY n DESC LIMIT 1",
        )
        for at, step, comparisons in rows:
            return Verification(
                at=at,
                revision=self.runner.chain.revisions.of(step) if step else "base",
                comparisons=tuple((name, rows, found) for name, rows, found in comparisons),
            )
        return None

    def _merges(self) -> Iterator[MergeRun]:
        """The runs of every table of this ledger, whatever the plan: merges belong to none."""
        for names in run(self.pg, records_in(self.ledger.name)).fetchall():
            tables = (self.ledger.table(name) for name in names)
            for one, reason, started, ended, merges, undone, removed in run(
                self.pg, runs_in(*tables)
            ).fetchall():
                yield MergeRun(
                    record=names[0].removesuffix("_merge_run"),
                    run=one,
                    reason=reason,
                    started=started,
                    ended=ended,
                    merges=merges,
                    undone=undone,
                    removed=removed,
                )

    def _history(self) -> Iterator[Happened]:
        rows = self._rows(
            "event",
            "at, step, direction, event, by_role",
            f"AND event IN ('begun', 'done', 'abandoned') ORDER BY n DESC LIMIT {SHOWN}",
        )
        for at, step, direction, event, by_role in rows:
            yield Happened(
                at=at,
                step=self.runner.chain.revisions.label(step),
                direction=direction,
                event=event,
                by_role=by_role,
            )

    def _bytes(self) -> int:
        return int(
            value(
                self.pg,
                "SELECT coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint\n"
                "FROM pg_catalog.pg_class AS c WHERE c.relkind = 'r' AND c.relnamespace =\n"
                f"  (SELECT n.oid FROM pg_catalog.pg_namespace AS n\n"
                f"   WHERE n.nspname = {literal(self.ledger.name)})",
            )
        )

    def _rows(self, table: str, columns: str, rest: str = "") -> list[tuple[Any, ...]]:
        return self.ledger.read(self.pg, table, columns, rest)
