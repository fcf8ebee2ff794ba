"""The source server log: records of a jsonlog or csvlog, and of pgaudit in them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NAME = "server log"
RANK = 1
CANNOT_SEE = (
    "errors that a function catches, SET ROLE, LOCK and TRUNCATE, and without pgaudit every "
    "statement that succeeds and runs inside a function, a view or a rule"
)
MISSING = ("42P01", "42704")
"""States of an error for a table and a type that are not there."""
csv.field_size_limit(1 << 30)  # A statement is a field, and may be as long as the server takes.

AUDIT_WANTED = {
    "pgaudit.log_level": ("log", "warning"),
    "pgaudit.log_statement": ("on",),
    "pgaudit.log_statement_once": ("off",),
}
"""Values of pgaudit's settings without which records, or their statements, are missed."""
NOT_LOGGED = ("<not logged>", "<previously logged>")
"""What pgaudit writes in the place of a statement."""

SETTINGS = (
    "log_min_messages", "log_min_error_statement", "log_statement", "log_destination",
    "logging_collector", "log_min_duration_statement", "shared_preload_libraries",
    "pgaudit.role", "pgaudit.log", *AUDIT_WANTED,
)  # fmt: skip
"""Settings that have to be the same at two samples."""
OTHERS = (
    "log_min_messages", "log_min_error_statement", "pgaudit.role", "pgaudit.log", *AUDIT_WANTED
)  # fmt: skip
"""Settings that no role and no database may have of its own."""
SAID = "membership_refactor watch "
"""How the line begins that a sample writes into the log."""
SAY = (
    "DO $$ BEGIN RAISE LOG 'membership_refactor watch %', "
    "pg_catalog.current_setting('membership_refactor.said'); END $$"
)
"""Its text is always the same, so that it is one statement in the statistics."""

_CSV_FIELDS = 23
_STATEMENT = re.compile(
    r"^(?:\S+:\s+[\d.]+ \S+\s+)?(?:statement|execute [^:]*|parse [^:]*|bind [^:]*): (.*)$", re.S
)
_AUDIT = re.compile(r"^AUDIT: (.*)$", re.S)


@dataclass(frozen=True, slots=True)
class Audit:
    """A record of pgaudit."""

    of_object: bool
    """Whether it was written because pgaudit's role has a privilege on the object."""
    object: str
    """Schema and name; empty where the record is about a statement only."""
    statement: str

    def is_about(self, schema: str, table: str) -> bool:
        """Whether it is a use of that table. pgaudit quotes names as SQL does."""
        plain = f"{schema}.{table}".replace('"', "")
        return self.of_object and self.object.replace('"', "") == plain


def audits_sessions(setting: str) -> bool:
    """Whether that value of ``pgaudit.log`` has every statement that reads or writes recorded."""
    words = [word.strip().lower() for word in setting.split(",")]
    taken = {word for word in words if not word.startswith("-")}
    left = {word[1:] for word in words if word.startswith("-")}
    return (taken >= {"read", "write"} or "all" in taken) and not left & {"read", "write", "all"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a log."""

    role: str
    database: str
    application: str
    severity: str
    state: str
    message: str
    statement: str
    """The statement of an error."""

    @property
    def text(self) -> str:
        """The statement that the record is about; empty if it is about none."""
        found = _STATEMENT.match(self.message)
        return self.statement or (found[1] if found else "")

    @property
    def audit(self) -> Audit | None:
        """What pgaudit has recorded; None for any other record."""
        found = _AUDIT.match(self.message)
        # A statement over several lines is quoted, so the lines belong to one record.
        fields = next(csv.reader(found[1].splitlines(keepends=True)), []) if found else []
        return Audit(fields[0] == "OBJECT", fields[6], fields[7]) if len(fields) > 7 else None


@dataclass(frozen=True, slots=True)
class Read:
    """The whole records at the beginning of a piece of a log."""

    records: tuple[Record, ...]
    length: int
    """Bytes that they fill. The rest is half a record, for the next time."""
    broken: int
    """Records that could not be read."""


def read_records(data: bytes, *, as_csv: bool) -> Read:
    """Read whole records; half a record at the end is left for the next time."""
    pieces = list(_csv_pieces(data) if as_csv else _lines(data))
    found = [_from_csv(piece) if as_csv else _from_json(piece) for piece in pieces]
    records = tuple(record for record in found if record is not None)
    return Read(records, sum(map(len, pieces)), len(found) - len(records))


def _lines(data: bytes) -> Iterator[bytes]:
    end = data.rfind(b"\n") + 1
    yield from (line for line in data[:end].splitlines(keepends=True) if line)


def _csv_pieces(data: bytes) -> Iterator[bytes]:
    """A record ends at the first end of a line outside of quotes."""
    open_piece: list[bytes] = []
    quotes = 0
    for line in _lines(data):
        open_piece.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            yield b"".join(open_piece)
            open_piece = []


def _from_json(line: bytes) -> Record | None:
    try:
        found: Mapping[str, Any] = json.loads(line)
        return Record(
            role=str(found.get("user", "")),
            database=str(found.get("dbname", "")),
            application=str(found.get("application_name", "")),
            severity=str(found.get("error_severity", "")),
            state=str(found.get("state_code", "")),
            message=str(found.get("message", "")),
            statement=str(found.get("statement", "")),
        )
    except (ValueError, AttributeError):
        return None


def _from_csv(piece: bytes) -> Record | None:
    try:
        rows = list(csv.reader(piece.decode("utf-8").splitlines(keepends=True), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    if len(rows) != 1 or len(rows[0]) < _CSV_FIELDS:
        return None
    row = rows[0]
    return Record(
        role=row[1], database=row[2], application=row[22], severity=row[11], state=row[12],
        message=row[13], statement=row[19],
    )  # fmt: skip
