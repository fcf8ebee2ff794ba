"""What came of one tenant, and of all of them: values, lines and the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from membership_refactor.counts import counted


class Ended(StrEnum):
    """How the work on a tenant ended."""

    DONE = "done"
    NOTHING_TO_DO = "nothing to do"
    FINDINGS = "findings"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NOT_BEGUN = "not begun"

    @property
    def fine(self) -> bool:
        return self in (Ended.DONE, Ended.NOTHING_TO_DO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one tenant."""

    schema: str
    ended: Ended
    said: str = ""
    """What the verb found, or why it failed: one line."""
    before: str | None = None
    """Alembic's version before the command; None where nothing had run."""
    after: str | None = None
    seconds: float | None = None
    """None where nobody knows, because its process is gone."""
    result: Any = None
    """What the verb prints as JSON for this schema alone."""

    def line(self, width: int) -> str:
        """One line of text. ``width`` is that of the longest name of a schema."""
        took = "" if self.seconds is None else f"{self.seconds:.1f} s"
        said = " ".join(self.said.split())
        marked = said if self.ended.fine else f"{self.ended.upper()}: {said}".rstrip(": ")
        shown = marked or self.ended.value
        return f"{self.schema:<{width}}  {self._way:<14}  {took:>7}  {shown}".rstrip()

    @property
    def _way(self) -> str:
        if self.seconds is None:
            return ""
        before, after = self.before or "base", self.after or "base"
        return f"at {after}" if before == after else f"{before} -> {after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came of all tenants."""

    verb: str
    pattern: str
    parallel: int
    seconds: float
    outcomes: tuple[Outcome, ...]
    interrupted: bool
    again: str
    """The command for one tenant, which is to be named behind its last word: ``schema=``."""

    @property
    def counts(self) -> dict[Ended, int]:
        """How many ended in which way; ways in which none ended are left out."""
        found = Counter(outcome.ended for outcome in self.outcomes)
        return {ended: found[ended] for ended in Ended if found[ended]}

    @property
    def fine(self) -> bool:
        """Whether there is nothing that somebody has to look at."""
        return all(outcome.ended.fine for outcome in self.outcomes)

    def text(self) -> str:
        """The last lines: how many, how long, and what to do next."""
        ways = ", ".join(f"{count:,} {ended}" for ended, count in self.counts.items())
        many = counted(len(self.outcomes), "schema")
        lines = [f"{many}: {ways}. {self.seconds:.1f} s, {self.parallel} at a time."]
        left = next((o for o in self.outcomes if o.ended in (Ended.FAILED, Ended.FINDINGS)), None)
        if left is not None:
            lines.append(f"All that is said of one of them: {self.again.format(left.schema)}")
        if not self.fine and self.verb in ("upgrade", "downgrade"):
            lines.append("Run the same command again: it does what is left.")
        return "\n".join(lines)

    def values(self) -> dict[str, Any]:
        """The document for JSON."""
        return {
            "verb": self.verb,
            "pattern": self.pattern,
            "parallel": self.parallel,
            "seconds": round(self.seconds, 3),
            "interrupted": self.interrupted,
            "counts": {ended.value: count for ended, count in self.counts.items()},
            "schemas": [asdict(o) for o in sorted(self.outcomes, key=lambda o: o.schema)],
        }


def reason(out: str, err: str) -> str:
    """Why a command failed, from what it printed: the text behind its last FAILED, or its last
    line."""
    for text in (err, out):
        _, found, after = text.rpartition("FAILED:")
        if found:
            return after.strip()
    lines: Sequence[str] = (err.strip() or out.strip()).splitlines()
    return lines[-1].strip() if lines else "it said nothing"
