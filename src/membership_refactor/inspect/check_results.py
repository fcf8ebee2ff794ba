"""The results of checks, as values, text, JSON and JUnit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from membership_refactor.counts import counted
from membership_refactor.inspect import junit
from membership_refactor.inspect.sizes import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """The result of one check."""

    name: str
    sentence: str
    broken: int
    keys: tuple[str, ...]
    seconds: float
    hint: str | None = None

    @property
    def holds(self) -> bool:
        return self.broken == 0


def as_text(findings: Sequence[CheckOutcome], revision: str | None) -> str:
    """One line for each check. Below a failed one its first keys and its hint."""
    lines = []
    for f in findings:
        state = "holds" if f.holds else "FAILS"
        lines.append(f"{state}  {f.name}: {f.sentence} ({duration(f.seconds)})")
        if not f.holds:
            lines.append(f"       {counted(f.broken, 'finding')}:")
            lines += [f"       - {key}" for key in f.keys]
            lines += [f"       {f.hint}"] if f.hint else []
    failed = sum(not f.holds for f in findings)
    at = f"at {revision}" if revision else "before the first step"
    lines.append(f"{at}: {counted(len(findings), 'check')}, {failed} failed")
    return "\n".join(lines)


def as_values(
    findings: Sequence[CheckOutcome], revision: str | None, schema: str
) -> dict[str, Any]:
    """The document for JSON."""
    return {
        "schema": schema,
        "revision": revision,
        "failed": sum(not f.holds for f in findings),
        "checks": [{**asdict(f), "holds": f.holds} for f in findings],
    }


def as_junit(findings: Sequence[CheckOutcome], revision: str | None, schema: str) -> str:
    """For CI: one test case for each check."""
    return junit.document(
        f"membership-refactor checks {schema}",
        [
            junit.Case(
                classname=f"membership_refactor.{revision or 'base'}",
                name=f.name,
                seconds=f.seconds,
                failure=None
                if f.holds
                else (
                    f"{f.sentence}: {counted(f.broken, 'finding')}",
                    "\n".join([*f.keys, *([f.hint] if f.hint else [])]),
                ),
            )
            for f in findings
        ],
    )
