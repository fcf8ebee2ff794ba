"""Find what the database itself holds: dependents by column, bodies, and statements that ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from membership_refactor.portrait import Column, Portrait, Table
from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.findings.values import FileOutcome, Place, Reference, TableUse
from membership_refactor.scan.parse.piece import UNKNOWN_TABLE, Look, Placed
from membership_refactor.scan.read.routine_body import cut_body
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.resolve.analyse import Analyser
from membership_refactor.scan.resolve.bindings import Kind
from membership_refactor.scan.resolve.tables_at_stage import GOING, structure_at
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.own_statements import MARK

CONSUMER = "(database)"

# A view depends on columns through its rewrite rule; the rule's relation is what has a name.
_DEPENDENTS = """
SELECT DISTINCT t.relname, coalesce(a.attname, ''), i.type, i.identity
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_attribute a
  ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
LEFT JOIN pg_catalog.pg_rewrite r
  ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
  AND r.rulename = '_RETURN'
CROSS JOIN LATERAL pg_catalog.pg_identify_object(
  CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_catalog.pg_class'::pg_catalog.regclass END,
  CASE WHEN r.oid IS NULL THEN d.objid ELSE r.ev_class END, 0) i
WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.deptype IN ('n', 'a') AND n.nspname = %s AND t.relname = ANY (%s)
  AND (d.refobjsubid > 0 OR r.oid IS NOT NULL)
  AND i.type NOT IN ('type', 'toast table', 'sequence')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger g
    JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
    JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace
    WHERE d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND g.oid = d.objid
      AND f.nspname = %s)
ORDER BY 3, 4, 1, 2
"""

_BODIES = """
SELECT pg_catalog.format('%%I.%%I(%%s)', n.nspname, p.proname,
         pg_catalog.pg_get_function_identity_arguments(p.oid)),
       l.lanname, p.prosrc,
       ARRAY(SELECT DISTINCT c.relname::text FROM pg_catalog.pg_trigger g
        JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
        WHERE g.tgfoid = p.oid AND NOT g.tgisinternal ORDER BY 1),
       ARRAY(SELECT c.relname::text FROM pg_catalog.pg_trigger g
        JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
        WHERE g.tgfoid = p.oid AND coalesce(g.tgoldtable, g.tgnewtable) IS NOT NULL),
       p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE l.lanname NOT IN ('c', 'internal') AND p.prosqlbody IS NULL
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', %s)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                    AND e.objid = p.oid AND e.deptype = 'e')
ORDER BY 1
"""


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
    rows = connection.exec_driver_sql(_DEPENDENTS + MARK, given).all()
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
    rows = connection.exec_driver_sql(_BODIES + MARK, (ledger_schema(schema),)).all()
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


_COLUMNS = """
SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
  a.attgenerated::text
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum
"""


def columns_portrait(connection: Connection, schema: str) -> Portrait:
    """Read only the columns of every table and view of the schema."""
    made: dict[str, list[Column]] = {}
    rows = connection.exec_driver_sql(_COLUMNS + MARK, (schema,))
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
