"""Sum up each consumer: is it clear of the old structure?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from membership_refactor.scan.compare.verdict import Compared
from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.findings.values import FileOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSummary:
    """What still keeps one consumer from being clear."""

    name: str
    owner: str
    files: int
    statements: int
    references: int
    unsure: int
    tables: int
    dangers: int
    look: int
    open: int
    """Notes that leave a question open."""
    excluded: tuple[str, ...] = ()
    """Patterns of paths that were not read, each with its reason."""
    clear: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOutcome:
    """Everything that a scan found."""

    plan: str
    stage: str
    consumers: tuple[ConsumerSummary, ...]
    files: tuple[FileOutcome, ...]
    scanned: int
    seconds: float
    comparisons: tuple[Compared, ...] = ()

    @property
    def findings(self) -> int:
        return sum(c.references + c.tables + c.dangers + c.open for c in self.consumers)


def summaries(
    consumers: Sequence[Consumer], files: Sequence[FileOutcome], scanned: dict[str, int]
) -> tuple[ConsumerSummary, ...]:
    """Sum up each consumer, in the order of the consumer file."""
    result: dict[str, ConsumerSummary] = {}
    for consumer in consumers:
        own = [outcome for outcome in files if outcome.consumer == consumer.name]
        references = [r for outcome in own for r in outcome.references]
        notes = [n for outcome in own for n in outcome.notes]
        found = ConsumerSummary(
            name=consumer.name,
            owner=consumer.owner,
            files=scanned.get(consumer.name, 0),
            statements=sum(outcome.statements for outcome in own),
            references=len(references),
            unsure=sum(not r.certain for r in references),
            tables=sum(len(outcome.tables) for outcome in own),
            dangers=sum(len(outcome.dangers) for outcome in own),
            look=len(notes),
            open=sum(note.open for note in notes),
            excluded=tuple(f"{path}: {why}" for path, why in consumer.exclude.items()),
        )
        clear, why = _verdict(consumer, found)
        result[consumer.name] = replace(found, clear=clear, why=why)
    return tuple(_through(consumer, result) for consumer in consumers)


def _verdict(consumer: Consumer, found: ConsumerSummary) -> tuple[bool, str]:
    parts = [
        f"{count} {one if count == 1 else many}"
        for count, one, many in (
            (found.references, "reference", "references"),
            (found.tables, "use of a table that goes", "uses of a table that goes"),
            (found.dangers, "danger", "dangers"),
            (found.open, "open question", "open questions"),
        )
        if count
    ]
    if parts:
        declared = "; it was declared unaffected" if consumer.unaffected else ""
        return False, ", ".join(parts) + declared
    if found.files:
        return True, "no reference"
    if consumer.unaffected:
        return True, f"declared unaffected: {consumer.unaffected}"
    if consumer.through:
        return True, f"uses {consumer.through}"
    return False, "nothing was scanned: give its paths, or declare why it is unaffected"


def _through(consumer: Consumer, summaries: dict[str, ConsumerSummary]) -> ConsumerSummary:
    """A consumer that uses another's interface is clear only if that one is."""
    own = summaries[consumer.name]
    if not consumer.through or not own.clear or consumer.name == consumer.through:
        return own
    behind = summaries[consumer.through]
    if behind.clear:
        return own
    return replace(own, clear=False, why=f"uses {consumer.through}, which is not clear")
