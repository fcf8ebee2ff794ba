"""The report of a rehearsal: text for a screen, values for JSON, and JUnit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from membership_refactor.counts import counted, times
from membership_refactor.inspect import junit
from membership_refactor.inspect.sizes import duration, wrapped
from membership_refactor.rehearsal.findings import CANNOT_SHOW, Finding, Rehearsal

SHOWN = 12


def as_text(done: Rehearsal) -> str:
    """The verdict first, then what was found."""
    return "\n".join(_lines(done))


def as_values(done: Rehearsal) -> dict[str, Any]:
    """The document for JSON."""
    return {**asdict(done), "fine": done.fine, "cannot_show": list(CANNOT_SHOW)}


def as_junit(done: Rehearsal) -> str:
    """For CI: one test case for each move of the chain, and for the statements at each stage."""
    left = list(done.surprises)
    cases = []
    for leg in done.legs:
        of_leg = [f for f in left if f.stages[0] == leg.stage and _kind_of(f) == leg.name]
        left = [f for f in left if f not in of_leg]
        cases.append(_case(leg.stage, leg.name, leg.seconds, of_leg))
    cases += [_case(f.stages[0], f.kind, 0.0, [f]) for f in left]
    return junit.document(f"membership-refactor rehearse {done.plan} {done.schema}", cases)


def _case(stage: str, name: str, seconds: float, found: Sequence[Finding]) -> junit.Case:
    text = "\n".join(line for f in found for line in _finding(f))
    sentence = "; ".join(dict.fromkeys(f"{f.kind}: {f.what}" for f in found))
    return junit.Case(
        classname=f"membership_refactor.rehearsal.{stage}",
        name=name,
        seconds=seconds,
        failure=(sentence, text) if found else None,
    )


def _kind_of(finding: Finding) -> str:
    """The name of the leg in which it was found."""
    if finding.statements:
        return "statements"
    return "checks" if finding.kind == "a check fails" else ""


def _lines(done: Rehearsal) -> Iterator[str]:
    found = done.surprises
    verdict = (
        "nothing was found."
        if done.fine
        else f"{counted(len(found), 'finding')}, which this database would meet on the way."
    )
    yield from _wrapped("", f'Rehearsal of plan "{done.plan}" in schema "{done.schema}": {verdict}')
    yield from _wrapped(
        "",
        f"{counted(done.rows, 'row')} of {counted(len(done.sampled), 'table')}; "
        f"{counted(done.tried, 'statement')} of {counted(len(done.roles), 'role')} "
        f"({', '.join(done.roles) or 'none'}); {duration(done.seconds)}",
    )
    if done.hard:
        listed = ", ".join(f"{kind} ({n:,})" for kind, n in done.hard.items())
        yield from _wrapped("", f"Hard cases among the rows: {listed}.")
    yield from _wrapped("", f"Clone: {done.scratch}, with {done.pg_dump}.")
    yield from _wrapped("", f"{done.database} was only read.")
    for f in found[:SHOWN]:
        yield ""
        yield from _finding(f)
    if len(found) > SHOWN:
        yield f"... and {len(found) - SHOWN:,} more (--format json lists them all)"
    if done.documented:
        yield ""
        yield "To be expected (docs: errors that applications may see):"
        for f in done.documented:
            yield from _wrapped("  ", f"{f.stages[0]}: {f.expected} ({times(f.count)})")
    yield ""
    for title, lines in (
        ("Not in the clone", done.left_out),
        ("Disarmed in the clone", done.disarmed),
        ("Not tried", done.not_tried),
        ("A sample cannot show", CANNOT_SHOW),
    ):
        if lines:
            yield from _wrapped("", f"{title}: {'; '.join(lines)}.")


def _finding(f: Finding) -> Iterator[str]:
    where = f"{_span(f.stages)}  {f.kind}"
    if not f.statements:
        yield where + (f"  {f.table}" if f.table else "")
        yield from _wrapped("    ", f.what)
        return
    yield f"{where}  {f.table}"
    yield from _wrapped("    ", f"who      {', '.join(f.roles)}")
    listed = ", ".join(f.statements[:4])
    more = f" and {len(f.statements) - 4} more" if len(f.statements) > 4 else ""
    yield from _wrapped("    ", f"what     {listed}{more} ({times(f.count)})")
    yield from _wrapped("    ", f"before   {f.before}")
    yield from _wrapped("    ", f"now      {f.what}")


def _span(stages: Sequence[str]) -> str:
    return stages[0] if len(stages) == 1 else f"{stages[0]} … {stages[-1]}"


def _wrapped(indent: str, text: str) -> list[str]:
    return wrapped(text, indent, indent + ("         " if indent else "  "))
