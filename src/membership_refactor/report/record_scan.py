"""Writes the outcome of a scan into the ledger, where the gates look for it."""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import Connection

from membership_refactor.errors import RefactorError
from membership_refactor.scan.report.summary import ScanOutcome
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import qualified


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
        values = (
            outcome.plan, outcome.stage, consumer.name, consumer.clear, consumer.findings,
            json.dumps(asdict(consumer)),
        )  # fmt: skip
        connection.exec_driver_sql(statement, values)
    return len(outcome.consumers)
