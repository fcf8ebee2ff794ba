"""Who uses the old structure, how often and when last, and when each gate opens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from membership_refactor.checks.gate import gates
from membership_refactor.consumers import Consumer
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.inspect.read_only import looking, reads_as_the_tool
from membership_refactor.planning.targets import targets_at, targets_of
from membership_refactor.sql.evidence_clock import CLOCK, SHIFT
from membership_refactor.sql.quoting import literal
from membership_refactor.steps.step import Direction
from membership_refactor.watch import old_shape_view
from membership_refactor.watch.places import comparable
from membership_refactor.watch.sources import CANNOT_SEE
from membership_refactor.watch.windows import Interval, opens_at


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A role that uses a structure by one statement."""

    target: str
    role: str
    application: str
    consumers: tuple[str, ...]
    """Every consumer that names the role; several cannot be told apart."""
    uses: int
    """Since the first sample."""
    before: int
    """Before the first sample, nobody knows when."""
    first_at: datetime | None
    last_at: datetime | None
    source: str
    server: str
    columns: tuple[str, ...]
    why: str
    statement: str
    place: str
    """File and line where a consumer has the statement; empty where none has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStatus:
    """The gate of a step that has not run."""

    step: str
    """What the project calls it."""
    target: str
    asked: bool
    """False while the structure that it asks about does not exist yet."""
    reasons: tuple[str, ...] = ()
    opens_at: datetime | None = None
    """When its window is whole, if nobody uses the structure any more."""

    @property
    def is_open(self) -> bool:
        return self.asked and not self.reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Everything that ``usage`` shows."""

    plan: str
    schema: str
    now: datetime
    ahead: timedelta
    """By how much the clock of the evidence was set forward."""
    sampled_at: datetime | None
    servers: tuple[str, ...]
    sources: tuple[str, ...]
    """What was sampled, the best first."""
    days: int
    gates: tuple[GateStatus, ...]
    users: tuple[User, ...]
    unknown_roles: tuple[str, ...] = ()
    """Roles of the consumers file that the server does not have."""

    @property
    def in_use(self) -> bool:
        """Whether somebody used, within the window, what the next step takes away."""
        after = self.now - timedelta(days=self.days)
        step = next((g.step for g in self.gates if g.asked), None)
        following = {g.target for g in self.gates if g.asked and g.step == step}
        return any(
            u.target in following and u.last_at is not None and u.last_at >= after
            for u in self.users
        )


def read_usage(
    runner: Runner,
    consumers: Sequence[Consumer] = (),
    places: Mapping[str, str] | None = None,
) -> Usage:
    """Read what the ledger knows. ``places`` says where consumers have their statements."""
    with looking(runner, "usage") as pg:
        return _Reader(runner, pg, consumers, places or {}).usage()


class _Reader:
    def __init__(
        self,
        runner: Runner,
        pg: Pg,
        consumers: Sequence[Consumer],
        places: Mapping[str, str],
    ) -> None:
        self.runner, self.pg, self.plan = runner, pg, runner.plan
        self.consumers, self.places = consumers, places
        self.there = runner.ledger.exists(pg)

    def usage(self) -> Usage:
        samples = self._rows("usage_sample", "server, taken_at, source", "ORDER BY server")
        sampled = {source for *_, source in samples}
        if sampled and self.plan.old_shape_view:
            sampled.add(old_shape_view.NAME)
        roles = {role for consumer in self.consumers for role in consumer.roles}
        known = {row[0] for row in run(self.pg, "SELECT rolname::text FROM pg_catalog.pg_roles")}
        return Usage(
            plan=self.plan.name,
            schema=self.runner.schema,
            now=value(self.pg, f"SELECT {CLOCK}"),
            ahead=value(self.pg, f"SELECT {SHIFT}"),
            sampled_at=max((at for _, at, _ in samples), default=None),
            servers=tuple(dict.fromkeys(server for server, *_ in samples)),
            sources=tuple(source for source in CANNOT_SEE if source in sampled),
            days=self.plan.evidence_days,
            gates=tuple(self._gates()),
            users=tuple(self._users()),
            unknown_roles=tuple(sorted(roles - known)),
        )

    def _gates(self) -> Iterable[GateStatus]:
        steps = self.runner.ledger.steps(self.pg) if self.there else {}
        up = {n for n, s in steps.items() if (s.direction is Direction.UP) is not s.open}
        present = targets_at(self.plan, up) if self.there else ()
        own = reads_as_the_tool(self.pg, self.runner)
        for step in self.runner.chain:
            if step.name in up:
                continue
            revisions = self.runner.chain.revisions
            name, targets = revisions.of(step.name), targets_of(self.plan, step.name)
            since = steps.get("retire_source") if step.name == "create_parent" else None
            checks = gates(self.runner.names, revisions, step.name, own=own)
            for target, check in zip(targets, checks, strict=True):
                if target not in present:
                    yield GateStatus(step=name, target=target, asked=False)
                    continue
                rows = run(self.pg, check.whole).fetchall()
                yield GateStatus(
                    step=name,
                    target=target,
                    asked=True,
                    reasons=tuple(reason for (reason,) in rows),
                    opens_at=opens_at(
                        self._intervals(target),
                        self.plan.evidence_days,
                        not_before=since.ended_at if since else None,
                    ),
                )

    def _intervals(self, target: str) -> list[Interval]:
        rows = self._rows(
            "usage_interval", "began, ended, uses, covered", f"AND target = {literal(target)}"
        )
        return [Interval(*row) for row in rows]

    def _users(self) -> Iterable[User]:
        rows = self._rows(
            "usage",
            "target, role, application, uses, before, first_at, last_at, source, server, columns,\n"
            "why, statement",
            "ORDER BY target, last_at DESC NULLS LAST, uses DESC, role, statement",
        )
        for target, role, application, uses, before, first, last, source, server, *rest in rows:
            columns, why, statement = rest
            yield User(
                target=target,
                role=role,
                application=application,
                consumers=self._consumers(role, application),
                uses=uses,
                before=before,
                first_at=first,
                last_at=last,
                source=source,
                server=server,
                columns=tuple(columns),
                why=why,
                statement=statement,
                place=self.places.get(comparable(statement), ""),
            )

    def _consumers(self, role: str, application: str) -> tuple[str, ...]:
        named = [c for c in self.consumers if role in c.roles]
        exact = [c for c in named if application and application in c.applications]
        return tuple(c.name for c in exact or named)

    def _rows(self, table: str, columns: str, rest: str = "") -> list[tuple[Any, ...]]:
        if not self.there:
            return []
        return self.runner.ledger.read(self.pg, table, columns, rest)
