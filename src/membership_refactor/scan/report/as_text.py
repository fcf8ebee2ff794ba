"""Write the outcome as text: findings by file, then a row for each consumer."""

from __future__ import annotations

from collections.abc import Iterator

from membership_refactor.scan.findings.values import FileOutcome, Place
from membership_refactor.scan.report.summary import ScanOutcome


def as_text(outcome: ScanOutcome) -> str:
    """Write one finding to a line, then the table of consumers."""
    lines: list[str] = []
    for found in outcome.files:
        lines += _file(found)
    for compared in outcome.comparisons:
        lines.append(f"{compared.place}: {compared.sentence}")
        if compared.example:
            lines += [f"    {line}" for line in compared.example.splitlines()]
        lines += [f"    {remark}" for remark in compared.remarks]
    if lines:
        lines.append("")
    lines += _table(outcome)
    return "\n".join(lines)


def _file(found: FileOutcome) -> Iterator[str]:
    entries: list[tuple[Place, str]] = []
    for reference in found.references:
        what = reference.column
        if what == "*":
            what = f"* ({len(reference.columns)} columns)"
        unsure = f" [unsure: {reference.why}]" if not reference.certain else ""
        gone = ", gone" if reference.standing == "gone" else ""
        entries.append(
            (reference.place, f"{reference.kind} of {reference.table}.{what}{gone}{unsure}")
        )
    for use in found.tables:
        entries.append((use.place, f"table {use.table}: {use.why}"))
    for danger in found.dangers:
        entries.append((danger.place, f"danger ({danger.code}): {danger.message}"))
    for note in found.notes:
        entries.append(
            (note.place, f"{'open' if note.open else 'look at this'} ({note.look}): {note.message}")
        )
    for rewritten in found.rewrites:
        if rewritten.new is None or (rewritten.reason and not rewritten.edits):
            entries.append((rewritten.place, f"not rewritten: {rewritten.reason}"))
    entries.sort(key=lambda entry: (entry[0].line, entry[0].column))
    for place, message in entries:
        yield f"{place}: {message}"


def _table(outcome: ScanOutcome) -> Iterator[str]:
    heads = ("consumer", "files", "statements", "references", "unsure", "dangers", "look at", "")
    rows = [
        (
            c.name, str(c.files), str(c.statements), str(c.references + c.tables), str(c.unsure),
            str(c.dangers), str(c.look), "clear" if c.clear else "not clear",
        )
        for c in outcome.consumers
    ]  # fmt: skip
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    for row, why in zip((heads, *rows), ("", *(c.why for c in outcome.consumers)), strict=True):
        cells = [
            cell.ljust(width) if i in (0, 7) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip() + (f": {why}" if why else "")
    for consumer in outcome.consumers:
        for excluded in consumer.excluded:
            yield f"not read for {consumer.name}: {excluded}"
    yield ""
    per_second = outcome.scanned / outcome.seconds if outcome.seconds > 0 else 0
    yield (
        f"{outcome.plan} at {outcome.stage}: {outcome.scanned} files in {outcome.seconds:.1f} s "
        f"({per_second:.0f} a second)"
    )
