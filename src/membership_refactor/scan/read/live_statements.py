"""Read the statements that really run, such as those in a log of the server."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from membership_refactor.errors import WrongUse
from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.read.scan_file import FileScanner

CONSUMER = "(statements)"
_TEXT = re.compile(
    r"(?:duration: [\d.]+ ms\s+)?(?:statement|execute [^:]*|parse [^:]*|bind [^:]*): (.*)", re.S
)
_USER, _MESSAGE, _QUERY, _APPLICATION, _FIELDS = 1, 13, 19, 22, 23


class Running(NamedTuple):
    """A statement with who runs it."""

    role: str
    application: str
    text: str | None
    """None where the server does not show it."""


def from_log(path: Path) -> Counter[Running]:
    """Read a log in CSV or JSON. Raises WrongUse for any other file."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as lines:
            first = lines.read(1)
            lines.seek(0)
            return Counter(_json(lines) if first == "{" else _csv(lines, path))
    except OSError as error:
        raise WrongUse(f"The log {path} cannot be read: {error.strerror}.") from None


def _csv(lines: Iterable[str], path: Path) -> Iterator[Running]:
    for row in csv.reader(line.replace("\0", "") for line in lines):
        if len(row) < _FIELDS:
            raise WrongUse(
                f"{path} is no log in CSV or JSON: a line has {len(row)} fields.",
                hint="Set log_destination to csvlog or jsonlog.",
            )
        text = _statement(row[_MESSAGE]) or row[_QUERY]
        if text:
            yield Running(row[_USER], row[_APPLICATION], text)


def _json(lines: Iterable[str]) -> Iterator[Running]:
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the last line may be half written
        text = _statement(entry.get("message", "")) or entry.get("statement", "")
        if text:
            yield Running(entry.get("user", ""), entry.get("application_name", ""), text)


def _statement(message: str) -> str:
    match = _TEXT.fullmatch(message)
    return match[1] if match else ""


def statement_outcomes(
    running: Counter[Running], consumers: Sequence[Consumer], scanners: Sequence[FileScanner]
) -> Iterator[FileOutcome]:
    """Yield an outcome for each statement that uses something. Its role takes the place of a path.

    A statement belongs to the first consumer with its role or application, or else to the last
    scanner's. A text that the server hides leaves that consumer open.
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
            why = "the server hides the text: grant pg_read_all_stats to the role that scans"
            yield FileOutcome.unread(shown, scanner.analyser.consumer.name, why)
        else:
            outcome = scanner.scan_text(one.text, shown)
            if not outcome.empty or outcome.statements:
                yield outcome
