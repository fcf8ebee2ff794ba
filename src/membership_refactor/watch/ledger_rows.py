"""The watch's rows in the ledger: samples, uses, and the time that they cover."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from membership_refactor.errors import RefactorError
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.sessions import Pg, value
from membership_refactor.sql.quoting import literal
from membership_refactor.watch.samples import Earlier, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A use of a target by one role and statement."""

    target: str
    digest: str
    """Of source, server, role and statement."""
    source: str
    server: str
    role: str
    application: str
    statement: str
    columns: tuple[str, ...]
    why: str
    uses: int
    at: datetime
    dated: bool
    """False where it was before the first sample, nobody knows when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one round has recorded of a target by one source."""

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


class Records:
    """Reads and writes the tables of the watch for one plan."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.plan = ledger, ledger.plan.name

    def _in(self, table: str) -> str:
        return self.ledger.table(table).replace("%", "%%")

    def require(self, pg: Pg) -> None:
        """RefactorError where there is no ledger to write into."""
        if not self.ledger.exists(pg):
            raise RefactorError(
                f'there is no ledger "{self.ledger.name}" to record samples in.',
                hint="Upgrade to the first step of the plan, then watch.",
            )

    def earlier(self, pg: Pg, source: str) -> dict[str, Earlier]:
        """The sample before, by server."""
        rows = self._run(
            pg,
            f"SELECT server, taken_at, state FROM {self._in('usage_sample')} "
            "WHERE plan = %s AND source = %s",
            self.plan,
            source,
        ).fetchall()
        return {server: Earlier.from_state(at, state) for server, at, state in rows}

    def keep(self, pg: Pg, sample: Sample, state: dict[str, Any]) -> None:
        """Keep the sample in the place of the one before."""
        self._run(
            pg,
            f"INSERT INTO {self._in('usage_sample')} (plan, server, source, taken_at, state)\n"
            "VALUES (%s, %s, %s, %s, %s::jsonb) ON CONFLICT (plan, server, source)\n"
            "DO UPDATE SET taken_at = excluded.taken_at, state = excluded.state",
            self.plan, sample.server, sample.source, sample.at, json.dumps(state),
        )  # fmt: skip

    def forget(self, pg: Pg, source: str, servers: list[str]) -> None:
        """Delete the samples of servers that are no longer sampled."""
        self._run(
            pg,
            f"DELETE FROM {self._in('usage_sample')} "
            "WHERE plan = %s AND source = %s AND server <> ALL (%s)",
            self.plan, source, servers,
        )  # fmt: skip

    def use(self, pg: Pg, seen: Seen) -> None:
        """Add the uses to those that are known of this role and statement."""
        at = seen.at if seen.dated else None
        self._run(
            pg,
            f"INSERT INTO {self._in('usage')} AS u (plan, target, digest, source, server, role,\n"
            "  application, statement, columns, why, before, uses, first_at, last_at)\n"
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)\n"
            "ON CONFLICT (plan, target, digest) DO UPDATE SET uses = u.uses + excluded.uses,\n"
            "  before = u.before + excluded.before,\n"
            "  first_at = coalesce(u.first_at, excluded.first_at),\n"
            "  last_at = coalesce(excluded.last_at, u.last_at)",
            self.plan, seen.target, seen.digest, seen.source, seen.server, seen.role,
            seen.application, seen.statement, list(seen.columns), seen.why,
            0 if seen.dated else seen.uses, seen.uses if seen.dated else 0, at, at,
        )  # fmt: skip

    def interval(self, pg: Pg, outcome: Outcome) -> None:
        """Record the time since the sample before. Silence, and the same holes again, make the
        newest row longer."""
        if outcome.began is None:
            return
        detail: dict[str, Any] = {}
        if outcome.holes:
            detail["holes"] = list(outcome.holes)
        if outcome.who:
            detail["who"] = ", ".join(outcome.who)
        text = json.dumps(detail)
        if outcome.ended <= outcome.began:
            # The clock went back. What was recorded of a later time ends now, and a moment is left
            # out, so that it does not join what comes.
            self._run(
                pg,
                f"UPDATE {self._in('usage_interval')}\n"
                "SET began = least(began, %s - interval '1 microsecond'),\n"
                "  ended = %s - interval '1 microsecond'\n"
                "WHERE plan = %s AND target = %s AND source = %s AND ended >= %s",
                outcome.ended, outcome.ended, self.plan, outcome.target, outcome.source,
                outcome.ended,
            )  # fmt: skip
        if not outcome.uses:
            longer = self._run(
                pg,
                f"UPDATE {self._in('usage_interval')} SET ended = %s WHERE n = (\n"
                f"  SELECT max(n) FROM {self._in('usage_interval')}\n"
                "  WHERE plan = %s AND target = %s AND source = %s)\n"
                "AND ended = %s AND uses = 0 AND covered = %s AND detail = %s::jsonb",
                outcome.ended, self.plan, outcome.target, outcome.source, outcome.began,
                outcome.covered, text,
            )  # fmt: skip
            if longer.rowcount:
                return
        self._run(
            pg,
            f"INSERT INTO {self._in('usage_interval')}\n"
            "  (plan, target, source, began, ended, uses, covered, detail)\n"
            "VALUES (%s, %s, %s, least(%s, %s::timestamptz), %s, %s, %s, %s::jsonb)",
            self.plan, outcome.target, outcome.source, outcome.began, outcome.ended, outcome.ended,
            outcome.uses, outcome.covered, text,
        )  # fmt: skip

    def downs(self, pg: Pg) -> int:
        """How often a step of the plan has gone down."""
        return int(
            value(
                pg,
                f"SELECT count(*) FROM {self.ledger.table('event')} AS e WHERE e.plan = "
                f"{literal(self.plan)} AND e.direction = 'down' AND e.event IN ('begun', 'done')",
            )
        )

    def _run(self, pg: Pg, query: str, *values: Any) -> Any:
        return pg.execute(query.encode(), values)
