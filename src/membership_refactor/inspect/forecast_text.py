"""The forecast as text for a terminal, and as values for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from membership_refactor.counts import counted, times
from membership_refactor.inspect.forecast_values import Answer, Asked, Forecast, StepForecast
from membership_refactor.inspect.lock_forecast import LockUse
from membership_refactor.inspect.sizes import duration, size, wrapped


def as_text(forecast: Forecast) -> str:
    """Everything, one paragraph a step."""
    return "\n".join([*_head(forecast), *(line for s in forecast.steps for line in _step(s))])


def as_values(forecast: Forecast) -> dict[str, Any]:
    """The values for JSON."""
    values = asdict(forecast)
    values["seconds"] = forecast.seconds
    for value, step in zip(values["steps"], forecast.steps, strict=True):
        value["refused"] = step.is_refused
    return values


def _head(f: Forecast) -> Iterator[str]:
    at = f"at {f.stands_at}" if f.stands_at else "nothing has run yet"
    yield f'plan "{f.plan}" in schema "{f.schema}", {at}'
    if f.open_step:
        yield f"open: {f.open_step}; for more: membership-refactor status"
    if f.table is not None:
        yield f"{f.table}: {counted(f.rows, 'row')}, {size(f.bytes)} with its indexes"
    if f.groups is not None:
        yield (
            f"{counted(f.groups, 'distinct key')}, one parent for each; "
            f"{counted(f.gaps or 0, 'key')} with a missing value; "
            f"at most {counted(f.losers or 0, 'row')} will get another row's value"
        )
    if not f.steps:
        yield "every step has run"
        return
    workers = f" with {f.workers} workers" if f.workers > 1 else ""
    yield (
        f"all steps: about {duration(f.seconds)}{workers}. Times and sizes are estimates: those "
        f"of another server, and a short measurement took {f.times_as_long:.1f} times as long here"
    )


def _step(s: StepForecast) -> Iterator[str]:
    yield ""
    yield f"{s.label}: {s.title}" if s.title not in ("", s.name) else s.label
    if s.deploy:
        yield from _field("deploy", s.deploy)
    freed = f"; frees {size(s.freed)}" if s.freed else ""
    yield from _field("writes", f"{counted(s.rows, 'row')}, about {size(s.bytes)}{freed}")
    yield from _field("time", f"about {duration(s.seconds)}")
    yield from _locks(s.locks)
    through = f" It reads {counted(s.undo_rows, 'row')}." if s.undo_rows else ""
    yield from _field("undo", f"{s.undo}{through}".strip())
    for asked in s.asked:
        yield from _field("asks", _asked(asked))
    for asked in s.gates:
        yield from _field("gate", _asked(asked))
    for note in s.notes:
        yield from _field("note", note)
    for line in s.refusals:
        yield from _field("REFUSED", line)


def _locks(locks: tuple[LockUse, ...]) -> Iterator[str]:
    if not locks:
        yield from _field("locks", "none on a table in use")
    name = "locks"
    for how_long, mode in dict.fromkeys((lock.how_long, lock.mode) for lock in locks):
        tables = ", ".join(
            f"{lock.table} {times(lock.times)}" if lock.times > 1 else lock.table
            for lock in locks
            if (lock.how_long, lock.mode) == (how_long, mode)
        )
        yield from _field(name, f"{mode} ({how_long}): {tables}")
        name = ""


def _asked(asked: Asked) -> str:
    if asked.answer is not Answer.FAILS:
        return f"{asked.sentence}: {asked.answer}"
    keys = f" ({'; '.join(asked.keys)})" if asked.keys else ""
    hint = f" {asked.hint}" if asked.hint else ""
    return f"{asked.sentence}: FAILS, {counted(asked.broken, 'row')}{keys}.{hint}"


def _field(name: str, text: str) -> Iterator[str]:
    head = f"  {name:<8} "
    yield from wrapped(text, head, " " * len(head))
