"""Databases with many tenants, and the command line over them."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from membership_refactor.database import libpq_url
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH, create_tables
from tests.chain.driver import insert
from tests.chain.fixed import hard_rows
from tests.chain.subjects import MEMBERSHIP, REFERENCES
from tests.cli.processes import Ended, refactor

TWELVE = tuple(f"tenant_{number:02}" for number in range(1, 13))
THREE = TWELVE[:3]


def tenants(url: str, names: tuple[str, ...]) -> None:
    """Create each schema with the wide table, what it refers to, and rows."""
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(EMPTY_SEARCH_PATH.text.encode())
        for name in names:
            connection.execute(f"CREATE SCHEMA {name}".encode())
            for statement in create_tables(legacy_tables(name)):
                connection.execute(statement.text.encode())
            connection.execute(REFERENCES.replace("public.", f"{name}.").encode())
            insert(MEMBERSHIP, hard_rows(), f"{name}.programme_membership")(connection)
            sequence = f"pg_get_serial_sequence('{name}.programme_membership', 'id')"
            connection.execute(f"SELECT setval({sequence}, 100)".encode())


def twelve(url: str) -> None:
    """For ``template_database``: twelve tenants, in which nothing has run."""
    tenants(url, TWELVE)


def three(url: str) -> None:
    """For ``template_database``: three tenants at 0002."""
    tenants(url, THREE)
    done = refactor("upgrade", "0002", "--all-schemas", "tenant_%", url=url)
    assert done.status == 0, done.out + done.err


def over_all(*arguments: str, url: str, x: tuple[str, ...] = ()) -> tuple[Ended, dict[str, Any]]:
    """Run the command over every schema like ``tenant_%``; its end, and its document of JSON."""
    given = [part for text in x for part in ("-x", text)]
    options = ("--all-schemas", "tenant_%", "--parallel", "2", "--format", "json")
    done = refactor(*given, *arguments, *options, url=url)
    assert "Traceback" not in done.err, done.err
    return done, json.loads(done.out)


def by_schema(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {outcome["schema"]: outcome for outcome in document["schemas"]}
