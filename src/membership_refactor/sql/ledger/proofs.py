"""Proofs: what a pass over whole tables has shown, so that a later step need not show it again.

A proof says: in that snapshot no row broke the check. It is taken over only for the same query over
the same tables, and only if

- every row that the query reads is one of that snapshot's, and none of them is missing; or
- the rows that have changed since, or whose partner has, keep the check themselves.

Both are asked of the versions of the rows as they stand (``row_versions``), in one snapshot.
Capture is not trusted to have kept anything. Where the question has no answer, the whole pass runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.row_versions import SNAPSHOT, age, all_stand, is_new, standing
from membership_refactor.sql.shared_scan import SharedScan

_FEW, _PART = 1_000, 50
"""So many rows, or this part of all, are looked at by their keys. A pass costs less for more."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """The proofs of one plan, in its ledger schema."""

    ledger: str
    plan: str

    @property
    def table(self) -> str:
        return qualified(self.ledger, "proof")

    def shown(self, scans: Sequence[SharedScan]) -> tuple[str, str]:
        """Two texts to select in the statement of the pass, so that they are of the same snapshot:
        the snapshot, and the rows and the standing of each table."""
        listed = ", ".join(
            f"{literal(table)}, pg_catalog.jsonb_build_object("
            f"'rows', (SELECT pg_catalog.count(*) FROM {table}), 'standing', {standing(table)})"
            for table in _tables(scans)
        )
        return f"{SNAPSHOT}::text", f"pg_catalog.jsonb_build_object({listed})::text"

    def rows(self, scans: Sequence[SharedScan]) -> str:
        """SELECT of the number of rows of those tables, as PostgreSQL estimates it."""
        listed = ", ".join(f"pg_catalog.to_regclass({literal(t)})" for t in _tables(scans))
        return (
            "SELECT coalesce(pg_catalog.sum(c.reltuples), 0) FROM pg_catalog.pg_class AS c\n"
            f"WHERE c.oid IN ({listed})"
        )

    def record(
        self, step: str, named: Sequence[tuple[str, SharedScan]], shown: Sequence[str]
    ) -> str:
        """Keep what ``shown`` gave with the pass of those checks, in place of older proofs."""
        snapshot, tables = map(literal, shown)
        rows = ", ".join(
            f"({literal(self.plan)}, {literal(name)}, {_digest(scan)}, {literal(step)}, "
            f"{snapshot}::pg_catalog.xid8, {tables}::pg_catalog.jsonb)"
            for name, scan in named
        )
        return (
            f"INSERT INTO {self.table} AS p (plan, name, digest, step, snapshot, tables)\n"
            f"VALUES {rows}\nON CONFLICT (plan, name) DO UPDATE SET digest = excluded.digest,\n"
            "  step = excluded.step, snapshot = excluded.snapshot, tables = excluded.tables,\n"
            "  at = pg_catalog.clock_timestamp()"
        )

    def kept(self, named: Sequence[tuple[str, SharedScan]], rows: float) -> str:
        """One row where one pass has shown all of those checks and they still hold: the step that
        asked for the pass, and how many keys have changed since. If some have, what ``shown`` gives
        follows, for a new proof. The tables have about so many ``rows``."""
        scans = [scan for _, scan in named]
        pairs = ", ".join(f"({literal(name)}, {_digest(scan)})" for name, scan in named)
        tables = _tables(scans)
        of = {t: f"p.tables -> {literal(t)} ->>" for t in tables}
        known = " AND ".join(f"{of[t]} 'standing' = {standing(t)}" for t in tables)
        same = {t: all_stand(t, f"({of[t]} 'rows')::pg_catalog.int8", "p.since") for t in tables}
        # The parts of a CASE are evaluated one after the other, and only as far as needed.
        cases = [f"WHEN {' AND '.join(same.values())} THEN 0"]
        more = ""
        changed = scans[0].changed
        if changed is not None:
            since = "(SELECT q.since FROM proof AS q)"
            keys = changed.keys(lambda row: is_new(row, since))
            more = f",\nchanged AS MATERIALIZED ({keys})"
            beside = [same[t] for t in tables if t not in changed.tables]
            count = "(SELECT pg_catalog.count(*) FROM changed)"
            broken = " OR ".join(f"({scan.broken})" for scan in scans)
            # The limit cuts nothing off. It tells the planner how few keys there are.
            most = max(_FEW, int(rows) // _PART)
            within = changed.within(f"changed AS g LIMIT {most}")
            asked = [
                *beside,
                f"{count} <= {most}",
                # A row without a key would be in no group.
                "NOT EXISTS (SELECT FROM changed AS g WHERE g.k IS NULL)",
                # Not NOT EXISTS: for the first row alone the planner compares each with each.
                f"(SELECT pg_catalog.count(*) = 0 FROM {within}\nWHERE {broken})",
            ]
            # An unknown answer is no answer: it ends in NULL.
            inner = count
            for part in reversed(asked):
                inner = f"CASE WHEN {part} THEN {inner} END"
            cases.append(f"ELSE {inner}")
        anew = ", ".join(f"CASE WHEN k.changed > 0 THEN {text} END" for text in self.shown(scans))
        return (
            "WITH proof AS MATERIALIZED (\n"
            f"  SELECT pg_catalog.min(p.step) AS step, p.tables,\n"
            f"    {age('p.snapshot::text::pg_catalog.int8')} AS since\n"
            f"  FROM {self.table} AS p WHERE p.plan = {literal(self.plan)}\n"
            f"  AND (p.name, p.digest) IN ({pairs})\n"
            f"  GROUP BY p.snapshot, p.tables HAVING pg_catalog.count(*) = {len(named)}){more}\n"
            f"SELECT k.step, k.changed, {anew} FROM (\n"
            f"  SELECT p.step, CASE {chr(10).join(cases)} END AS changed\n"
            f"  FROM proof AS p WHERE p.since IS NOT NULL AND {known}\n"
            "  OFFSET 0) AS k WHERE k.changed IS NOT NULL"
        )


def _digest(scan: SharedScan) -> str:
    return literal(hashlib.sha256(scan.query.encode()).hexdigest())


def _tables(scans: Sequence[SharedScan]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(table for scan in scans for table in scan.reads))
