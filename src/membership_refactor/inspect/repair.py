"""Repair: read again under a lock what verify found, and correct it from the authority."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from membership_refactor.counts import counted
from membership_refactor.errors import RefactorError
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.inspect.under_locks import under_locks
from membership_refactor.inspect.verify import Finding
from membership_refactor.planning import Revisions
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.triggers import SYNC_MARK, SYNC_ON

MENDED_AT_ONCE = 50
"""Keys corrected under one lock. Writers queue behind it, so it is short."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What repair did to the keys it was given."""

    mended: tuple[Finding, ...]
    agreed: tuple[str, ...]
    """Keys that agreed when they were read again under the lock."""


def repair(runner: Runner, comparison: Comparison, findings: Sequence[Finding]) -> Repaired:
    """Read each finding again under the lock, and correct it from the authoritative side.

    Locks: both tables SHARE ROW EXCLUSIVE, waited for 50 ms at a time, for up to 50 keys. The
    fence moves, so that older snapshots, which cannot see the correction, get 40001. The replaced
    values are kept in the ledger's ``repair``.

    Raises RefactorError where no table holds the right value any more, where a constraint refuses
    the correction, or where the keys still differ afterwards. None of those 50 is changed then.
    """
    # Extra rows are removed first, because one may hold a value that has to be unique.
    ordered = sorted(findings, key=lambda f: f.difference != "extra")
    keys = list(dict.fromkeys(f.key for f in ordered))
    mended: list[Finding] = []
    with runner.sessions("repair").open(purpose="repair") as pg:
        for start in range(0, len(keys), MENDED_AT_ONCE):
            mended += _mend(pg, runner, comparison, keys[start : start + MENDED_AT_ONCE])
    done = {f.key for f in mended}
    return Repaired(tuple(mended), tuple(k for k in keys if k not in done))


def _mend(pg: Pg, runner: Runner, comparison: Comparison, keys: list[str]) -> list[Finding]:
    array = f"ARRAY[{', '.join(literal(k) for k in keys)}]::{comparison.key_type}[]"
    found: list[Finding] = []
    ledger = runner.ledger

    def differing(connection: Pg) -> list[Finding]:
        rows = run(connection, comparison.of_keys(array)).fetchall()
        return [Finding(k, d, tuple(c)) for k, d, c in rows]

    def under_lock(connection: Pg) -> None:
        found[:] = differing(connection)
        if not found:
            return
        if comparison.mend is None:
            raise RefactorError(
                f'"{comparison.name}" cannot be repaired: {_count(found)}; no table holds the '
                "right values any more.",
                hint="Restore those rows from a backup.",
            )
        run(connection, f"SET LOCAL {SYNC_MARK} = {SYNC_ON}")
        before: dict[str, object] = dict(run(connection, comparison.was(array)).fetchall())
        for finding in found:
            _record(connection, ledger, comparison, finding, before.get(finding.key))
        try:
            for text in comparison.mend(array):
                run(connection, text)
        except psycopg.errors.IntegrityError as error:
            detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
            raise RefactorError(
                f'"{comparison.name}" cannot be repaired, {_count(found)}: '
                f"{error.diag.message_primary}{detail}. These keys were left unchanged.",
                hint=_last_resort(ledger.chain.revisions, comparison.rebuilt_by),
            ) from error
        left = differing(connection)
        if left:
            raise RefactorError(
                f'"{comparison.name}" still differs after the repair: {_count(left)}. These keys '
                "were left unchanged.",
                hint="Compare those rows by hand. A trigger of the application may undo repairs.",
            )
        run(connection, raise_fence(runner.names).text)

    under_locks(runner, pg, comparison.locks, under_lock)
    return found


def _last_resort(revisions: Revisions, rebuilt_by: str | None) -> str:
    """What to do if a constraint forbids the mending statements."""
    if rebuilt_by is None:
        return "Correct one of those rows by hand, then run the same command again."
    return (
        f"Run {revisions.command(rebuilt_by, 'down')}, then upgrade again; this rebuilds the rows."
    )


def _count(findings: Sequence[Finding]) -> str:
    keys = list(dict.fromkeys(f.key for f in findings))
    return f"{counted(len(keys), 'key')}, first {', '.join(keys[:5])}"


def _record(pg: Pg, ledger: Ledger, comparison: Comparison, finding: Finding, was: object) -> None:
    columns = ", ".join(literal(c) for c in finding.columns)
    values = ", ".join(
        literal(v) for v in (ledger.plan.name, comparison.name, finding.key, finding.difference)
    )
    document = "NULL" if was is None else f"{literal(json.dumps(was))}::jsonb"
    run(
        pg,
        f"INSERT INTO {ledger.table('repair')} (plan, comparison, key, difference, columns, was)\n"
        f"VALUES ({values}, ARRAY[{columns}]::text[], {document})",
    )
