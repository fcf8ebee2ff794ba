"""Find what the database itself holds: dependents by column, bodies, and statements that ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from membership_refactor.consumers import Consumer, Look
from membership_refactor.portrait import Column, Portrait, Table
from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.findings.values import FileOutcome, Place, Reference, TableUse
from membership_refactor.scan.parse.piece import UNKNOWN_TABLE, Placed
from membership_refactor.scan.read.routine_body import cut_body
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.resolve.analyse import Analyser
from membership_refactor.scan.resolve.bindings import Kind
from membership_refactor.scan.resolve.tables_at_stage import GOING, structure_at
from membership_refactor.sql import consumer_queries
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.own_statements import MARK

CONSUMER = "(database)"


def catalog_outcomes(
    connection: Connection, schema: str, scanner: FileScanner
) -> Iterator[FileOutcome]:
    """Yield an outcome for each object of the database. Its name takes the place of a path."""
    yield from _dependents(connection, schema, scanner.analyser)
    yield from _bodies(connection, schema, scanner)


def _dependents(connection: Connection, schema: str, analyser: Analyser) -> Iterator[FileOutcome]:
    structure = structure_at(analyser.plan, analyser.stage, portrait=analyser.portrait)
    tables = {table.name: table for table in structure.tables}
    given = (schema, list(tables), ledger_schema(schema))
    rows = connection.exec_driver_sql(consumer_queries.DEPENDENTS + MARK, given).all()
    found: dict[str, FileOutcome] = {}
    for table_name, column, kind, identity in rows:
        table = tables[table_name]
        path = f"{kind} {identity}"
        outcome = found.setdefault(path, FileOutcome(path, CONSUMER, statements=1))
        place = Place(path=path, line=1, column=1)
        standing = table.standing(column) if column else None
        columns = (column,) if column else ()
        if standing in GOING:
            reference = Reference(
                place=place, table=table.name, column=column, columns=columns, written=column,
                kind=Kind.READ, standing=str(standing),
            )  # fmt: skip
            outcome.references.append(reference)
        elif table.leaves and not any(use.table == table.name for use in outcome.tables):
            why = "it stays bound to the renamed table: look where it points after "
            why += "step retire_source"
            use = TableUse(place=place, table=table.name, columns=columns, why=why)
            outcome.tables.append(use)
    yield from (outcome for outcome in found.values() if not outcome.empty)


def _bodies(connection: Connection, schema: str, scanner: FileScanner) -> Iterator[FileOutcome]:
    rows = connection.exec_driver_sql(
        consumer_queries.BODIES + MARK, (ledger_schema(schema),)
    ).all()
    tables = scanner.interest.tables
    for identity, language, source, triggers_on, by_statement, is_trigger in rows:
        ours = [name for name in triggers_on if name.lower() in tables]
        table, column = scanner.interest.in_text(source)
        named = table or ours or (column and is_trigger)
        outcome = FileOutcome(f"function {identity}", CONSUMER)
        collector = Collector(outcome, source)
        if language in ("sql", "plpgsql"):
            row_table = next(iter(ours or triggers_on), UNKNOWN_TABLE if is_trigger else "")
            body, plain = Placed.at(source), language == "sql"
            harvest = cut_body(body, "postgres", row_table=row_table, plain=plain)
            scanner.scan_sql(body, "postgres", harvest, collector)
        elif named or any(scanner.disguises.find(source)):
            message = f"the body is written in {language}, which is not read, and may use a table"
            collector.note(0, Look.UNPARSED, message)
        if not tables.isdisjoint(name.lower() for name in by_statement):
            message = "it reads the changed rows of a table under another name: read it yourself"
            collector.note(0, Look.DYNAMIC, message)
        if not outcome.empty:
            yield outcome


def columns_portrait(connection: Connection, schema: str) -> Portrait:
    """Read only the columns of every table and view of the schema."""
    made: dict[str, list[Column]] = {}
    rows = connection.exec_driver_sql(consumer_queries.COLUMNS + MARK, (schema,))
    for table, name, type_, not_null, generated in rows:
        column = Column(name=name, type=type_, not_null=not_null, generated=generated or None)
        made.setdefault(table, []).append(column)
    tables = (Table(schema=schema, name=n, columns=tuple(own)) for n, own in made.items())
    return Portrait(schema=schema, tables=tuple(tables))


LIVE = "(statements)"


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
        pairs = zip(consumers, scanners, strict=False)
        own = (s for c, s in pairs if one.role in c.roles or one.application in c.applications)
        scanner = next(own, scanners[-1])
        who = f"{one.role} ({one.application})" if one.application else one.role
        shown = f"statement of {who}, {calls:,} calls"
        if one.text is None:
            why = "its text is hidden or cannot be read: grant pg_read_all_stats to the role "
            why += "that scans, or give a log in UTF-8"
            yield FileOutcome.unread(shown, scanner.analyser.consumer.name, why)
        else:
            outcome = scanner.scan_text(one.text, shown)
            if not outcome.empty or outcome.statements:
                yield outcome
