"""Puts together what scan and watch know of each consumer, and of roles that belong to none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from membership_refactor.consumers import Consumer
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.report.page_values import ConsumerState, Recorded, Scan
from membership_refactor.sql.quoting import literal
from membership_refactor.watch.usage import Usage, User


def consumer_states(
    runner: Runner, pg: Pg, usage: Usage, recorded: Recorded, consumers: Sequence[Consumer]
) -> tuple[ConsumerState, ...]:
    """The consumers of the file and of every scan, then each role that uses something and belongs
    to none of them."""
    there = runner.ledger.exists(pg)
    scans = _scans(runner, pg) if there else {}
    return tuple(_states(usage, recorded, {c.name: c for c in consumers}, scans))


def _states(
    usage: Usage,
    recorded: Recorded,
    consumers: Mapping[str, Consumer],
    scans: Mapping[str, list[tuple[Scan, str]]],
) -> Iterator[ConsumerState]:
    for name in dict.fromkeys((*consumers, *scans)):
        found = scans.get(name, [])
        given = consumers.get(name)
        users = [user for user in usage.users if name in user.consumers]
        yield _state(
            recorded,
            users,
            {user.role for user in users} | set(given.roles if given else ()),
            name=name,
            owner=given.owner if given else next((owner for _, owner in reversed(found)), ""),
            scans=tuple(scan for scan, _ in found),
        )
    for role in dict.fromkeys(user.role for user in usage.users if not user.consumers):
        users = [user for user in usage.users if user.role == role and not user.consumers]
        yield _state(recorded, users, {role}, name=role, is_role=True)


def _state(
    recorded: Recorded,
    users: Sequence[User],
    roles: Iterable[str],
    *,
    name: str,
    owner: str = "",
    is_role: bool = False,
    scans: tuple[Scan, ...] = (),
) -> ConsumerState:
    mine = set(roles)
    used = (stretch.ended for stretch in recorded.stretches if mine & set(stretch.who))
    return ConsumerState(
        name=name,
        owner=owner,
        is_role=is_role,
        scans=scans,
        uses=sum(user.uses or user.before for user in users),
        last_use=max((user.last_at for user in users if user.last_at), default=None),
        used_at=tuple(sorted(set(used))),
    )


def _scans(runner: Runner, pg: Pg) -> dict[str, list[tuple[Scan, str]]]:
    """By consumer, the oldest first, each with the owner that the consumers file named."""
    rows: list[tuple[Any, ...]] = run(
        pg,
        "SELECT consumer, scanned_at, stage, clear, findings, coalesce(detail ->> 'why', ''),\n"
        "  coalesce(detail ->> 'owner', '')\n"
        f"FROM {runner.ledger.table('scan_outcome')}\n"
        f"WHERE plan = {literal(runner.plan.name)} ORDER BY scanned_at, n",
    ).fetchall()
    found: dict[str, list[tuple[Scan, str]]] = {}
    for consumer, at, stage, clear, findings, why, owner in rows:
        scan = Scan(at=at, stage=stage, clear=clear, findings=findings, why=why)
        found.setdefault(consumer, []).append((scan, owner))
    return found
