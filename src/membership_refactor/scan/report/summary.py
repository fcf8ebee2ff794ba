"""Sum up each consumer: is it clear of the old structure?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from membership_refactor.consumers import Consumer
from membership_refactor.planning import TableSplit
from membership_refactor.planning.targets import deprecated_columns, targets_by_table
from membership_refactor.scan.compare.results import Compared
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
    in_the_way: Mapping[str, int] = field(default_factory=dict)
    """By target: how much keeps it from going. Empty where nothing was scanned."""
    clear: bool = False
    why: str = ""

    @property
    def findings(self) -> int:
        """How much keeps it from being clear."""
        return self.references + self.tables + self.dangers + self.open


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
        return sum(consumer.findings for consumer in self.consumers)


def summaries(
    consumers: Sequence[Consumer],
    files: Sequence[FileOutcome],
    scanned: dict[str, int],
    plan: TableSplit,
) -> tuple[ConsumerSummary, ...]:
    """Sum up each consumer, in the order of the consumer file."""
    result: dict[str, ConsumerSummary] = {}
    for consumer in consumers:
        own = [outcome for outcome in files if outcome.consumer == consumer.name]
        references = [r for outcome in own for r in outcome.references]
        notes = [n for outcome in own for n in outcome.notes]
        found = ConsumerSummary(
            name=consumer.name, owner=consumer.owner, files=scanned.get(consumer.name, 0),
            statements=sum(outcome.statements for outcome in own),
            references=len(references), unsure=sum(not r.certain for r in references),
            tables=sum(len(outcome.tables) for outcome in own),
            dangers=sum(len(outcome.dangers) for outcome in own),
            look=len(notes), open=sum(note.open for note in notes),
            excluded=tuple(f"{path}: {why}" for path, why in consumer.exclude.items()),
            in_the_way=_in_the_way(plan, own) if scanned.get(consumer.name) else {},
        )  # fmt: skip
        clear, why = _verdict(consumer, found)
        result[consumer.name] = replace(found, clear=clear, why=why)
    return tuple(_through(consumer, result) for consumer in consumers)


def _in_the_way(plan: TableSplit, files: Sequence[FileOutcome]) -> Mapping[str, int]:
    """Count for each target what uses it, and what is open. Dangers are about the columns that go,
    but for a delete in the wrong order: it fails whether they are there or not."""
    columns = Counter(r.table for outcome in files for r in outcome.references)
    tables = Counter(u.table for outcome in files for u in outcome.tables)
    dangers = sum(d.code != "delete-order" for outcome in files for d in outcome.dangers)
    left = sum(note.open for outcome in files for note in outcome.notes)
    of_columns = columns.total() - columns[plan.retired] + dangers
    return {
        target: left
        + (of_columns if target == deprecated_columns(plan) else columns[table] + tables[table])
        for table, target in targets_by_table(plan).items()
    }


def _verdict(consumer: Consumer, found: ConsumerSummary) -> tuple[bool, str]:
    counted = (
        (found.references, "reference{}"), (found.tables, "use{} of a table that goes"),
        (found.dangers, "danger{}"), (found.open, "open question{}"),
    )  # fmt: skip
    parts = [f"{n} {what.format('s' * (n != 1))}" for n, what in counted if n]
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
    behind = summaries[consumer.through] if consumer.through else own
    if behind.clear or not own.clear:
        return own
    why = f"uses {consumer.through}, which is not clear"
    return replace(own, clear=False, why=why, in_the_way=behind.in_the_way)
