"""Scan the statements that really run, by who runs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.read.scan_file import FileScanner

CONSUMER = "(statements)"


class Running(NamedTuple):
    """A statement with who runs it."""

    role: str
    application: str
    text: str | None
    """None where the server does not show it, or the log's record cannot be read."""


def statement_outcomes(
    running: Counter[Running], consumers: Sequence[Consumer], scanners: Sequence[FileScanner]
) -> Iterator[FileOutcome]:
    """Yield an outcome for each statement that uses something. Its role takes the place of a path.

    A statement belongs to the first consumer with its role or application, or else to the last
    scanner's. A text that is hidden leaves that consumer open.
    """
    for one, calls in sorted(running.items(), key=lambda item: (item[0].role, item[0].text or "")):
        own = (
            number
            for number, consumer in enumerate(consumers)
            if one.role in consumer.roles or one.application in consumer.applications
        )
        scanner = scanners[next(own, len(scanners) - 1)]
        who = f"{one.role} ({one.application})" if one.application else one.role
        shown = f"statement of {who}, {calls:,} calls"
        if one.text is None:
            why = (
                "its text is hidden or cannot be read: grant pg_read_all_stats to the role that "
                "scans, or give a log in UTF-8"
            )
            yield FileOutcome.unread(shown, scanner.analyser.consumer.name, why)
        else:
            outcome = scanner.scan_text(one.text, shown)
            if not outcome.empty or outcome.statements:
                yield outcome
