"""Sum up each consumer: is it clear of the old structure? The ledger's gates read the answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection

from membership_refactor.errors import RefactorError
from membership_refactor.scan.compare.results import Compared
from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import qualified


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


def record(connection: Connection, schema: str, outcome: ScanOutcome) -> int:
    """Insert a row for each consumer. Returns the number of rows. Raises without a ledger."""
    table = qualified(ledger_schema(schema), "scan_outcome")
    found = connection.exec_driver_sql("SELECT to_regclass(%s)", (table,)).scalar_one()
    if found is None:
        raise RefactorError(
            f"There is no ledger: the table {table} does not exist.",
            hint="Upgrade to the first step of the plan, or scan without --record.",
        )
    for consumer in outcome.consumers:
        # The schema's name is quoted, so a percent sign is the only thing left to double.
        statement = (
            f"INSERT INTO {table.replace('%', '%%')} "
            "(plan, stage, consumer, clear, findings, detail) VALUES (%s, %s, %s, %s, %s, %s)"
        )
        findings = consumer.references + consumer.tables + consumer.dangers + consumer.open
        values = (
            outcome.plan, outcome.stage, consumer.name, consumer.clear, findings,
            json.dumps(asdict(consumer)),
        )  # fmt: skip
        connection.exec_driver_sql(statement, values)
    return len(outcome.consumers)
