"""What ``usage`` shows, as text for a terminal, values for JSON, and lines of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from membership_refactor.counts import counted
from membership_refactor.inspect.sizes import aligned, minute
from membership_refactor.watch.sources import CANNOT_SEE
from membership_refactor.watch.usage import GateStatus, Usage, User

SHOWN = 20
"""How many statements of a structure the text shows. JSON and CSV have them all."""


def as_values(usage: Usage) -> dict[str, Any]:
    """The values for JSON. Moments are datetimes, which the caller prints as text."""
    values = asdict(usage)
    values["ahead"] = usage.ahead.total_seconds()
    values["in_use"] = usage.in_use
    for shown, gate in zip(values["gates"], usage.gates, strict=True):
        shown["open"] = gate.is_open
    return values


def as_csv(usage: Usage) -> str:
    """A line for each role and statement, below a line with the names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(User))
    for user in usage.users:
        writer.writerow(_cell(getattr(user, field.name)) for field in fields(User))
    return text.getvalue().rstrip("\n")


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(value)
    return value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)


def as_text(usage: Usage) -> str:
    """For a terminal."""
    return "\n".join(_lines(usage))


def _lines(u: Usage) -> Iterator[str]:
    sampled = f"last sample {minute(u.sampled_at)}" if u.sampled_at else "never sampled"
    of = f" of {', '.join(u.servers)}" if u.servers else "; start: membership-refactor watch"
    yield f'plan "{u.plan}" in schema "{u.schema}": {sampled}{of}'
    yield from (f"  {source} cannot see {CANNOT_SEE[source]}" for source in u.sources)
    if u.ahead:
        yield f"the clock of the evidence is {u.ahead} ahead of the server's"
    yield ""
    yield "gates:"
    for gate in u.gates:
        yield from _gate(gate, u)
    for target in dict.fromkeys(gate.target for gate in u.gates):
        yield from _users(target, [user for user in u.users if user.target == target])


def when_open(gate: GateStatus, usage: Usage) -> str:
    """Whether the gate is open, or when it opens."""
    days = usage.days
    if not gate.asked:
        return "not asked yet"
    if gate.is_open:
        return "open"
    if gate.opens_at is None:
        return f"closed; it opens after {days} days that are covered and without a use"
    if gate.opens_at <= usage.now:
        return f"closed for another reason, although {days} days are covered and without a use"
    return f"closed until {minute(gate.opens_at)}, if nobody uses it"


def _gate(gate: GateStatus, usage: Usage) -> Iterator[str]:
    yield f"  {gate.step}  {gate.target}: {when_open(gate, usage)}"
    yield from (f"    {reason}" for reason in gate.reasons)


def _users(target: str, users: list[User]) -> Iterator[str]:
    yield ""
    if not users:
        yield f"{target}: no use is known"
        return
    yield f"{target}: used by {counted(len(users), 'statement')}"
    head = ("  last use", "role", "consumer", "application", "uses", "server", "statement")
    rows = [
        (
            f"  {minute(user.last_at) if user.last_at else 'before the watch'}",
            user.role,
            " or ".join(user.consumers),
            user.application,
            f"{user.uses or user.before:,}",
            user.server,
            _shown(user),
        )
        for user in users[:SHOWN]
    ]
    yield from aligned([head, *rows], right=(4,))
    if len(users) > SHOWN:
        yield f"  ... and {len(users) - SHOWN:,} more (--format json or csv lists them all)"


def _shown(user: User) -> str:
    text = user.statement if len(user.statement) <= 100 else user.statement[:97] + "..."
    notes = [note for note in (user.why, user.place) if note]
    return f"{text}  ({'; '.join(notes)})" if notes else text
