"""Names of every kind: none of them reaches the SQL unquoted or is taken for a variable."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.checks.parents import parallel_checks
from membership_refactor.database import libpq_url
from membership_refactor.planning import Conflict, ParentColumn, TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.install import (
    emptied_statement,
    freeze,
    install,
    install_refresh,
    remove,
    unfreeze,
)
from membership_refactor.sql.parallel.ledger_tables import ledger_tables
from membership_refactor.sql.parallel.lost_values import list_losers
from membership_refactor.sql.parallel.refresh import refresh_function
from membership_refactor.sql.parallel.restored_values import batch_functions
from membership_refactor.sql.parents.parent_uuid import identity_functions
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.snapshot_fence import open_fence
from tests.fixtures.databases import NewDatabase

SETS = {
    "quotes and percent signs": ('per"son %s', "a.b %(x)s", "it's $body$", "100%", "back\\slash"),
    "our own variables": ("saved", "parent", "claimed", "k1", "target"),
    "aliases and keywords": ("c", "p", "select", "user", "xid"),
    "sixty-three bytes": tuple(n + "ä" * 31 for n in "abcde"),
}


@pytest.mark.parametrize("kind", SETS)
def test_parallel_saving_works_with(kind: str, new_database: NewDatabase) -> None:
    key, gap, value, other, link = SETS[kind]
    plan = TableSplit(
        name='pl"an %', source="s", copy='ch"ild %', parent="par.ent", key=(key, gap),
        parent_columns=(ParentColumn(name=value, conflict=Conflict.FIRST),
                        ParentColumn(name=other, conflict=Conflict.FIRST)),
        child_columns=(), link=link, id="r", parent_id="f",
    )  # fmt: skip
    child = Table(
        schema='te"n %ant',
        name=plan.child,
        columns=(
            Column(name="r", type="integer", not_null=True),
            Column(name=key, type="bigint"),
            Column(name=gap, type="numeric"),
            Column(name=value, type="text"),
            Column(name=other, type="jsonb"),
            Column(name=link, type="uuid"),
        ),
    )
    names = Names(plan, child.schema)
    k, g, v, o, u = map(ident, SETS[kind])
    columns = f"{k} bigint, {g} numeric, {v} text, {o} jsonb"
    url = new_database()
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:

        def run(*texts: str) -> None:
            for text in texts:
                connection.execute(text.encode())

        def sound() -> None:
            for check in parallel_checks(names, child):
                assert connection.execute(check.query.encode()).fetchall() == [], check.name

        run(
            f"CREATE SCHEMA {ident(child.schema)}; CREATE SCHEMA {ident(names.ledger)};"
            f"CREATE TABLE {names.parent} (f uuid PRIMARY KEY DEFAULT gen_random_uuid(), {columns},"
            f" UNIQUE NULLS NOT DISTINCT ({k}, {g}));"
            f"CREATE TABLE {names.copy} (r integer PRIMARY KEY, {columns},"
            f" {u} uuid NOT NULL REFERENCES {names.parent})"
        )
        for statement in (
            *open_fence(names), *identity_functions(names, child),
            *ledger_tables(names, child), *batch_functions(names, child),
            *refresh_function(names, child), *install(names, child),
        ):  # fmt: skip
            run(statement.text)
        run(
            f"INSERT INTO {names.copy} (r, {k}, {g}, {v})"
            " VALUES (1, 7, 1.0, 'x'), (2, 7, 1.0, 'x'), (3, 7, NULL, 'y'), (4, 7, NULL, 'y')",
        )
        sound()
        for write in (
            f"UPDATE {names.copy} SET {o} = '1' WHERE r = 1",
            f"UPDATE {names.copy} SET {g} = 1.00 WHERE r = 1",
            f"UPDATE {names.copy} SET {g} = 2 WHERE r = 3",
            f"UPDATE {names.parent} SET {v} = 'z', {k} = 8 WHERE {g} IS NULL",
            f"INSERT INTO {names.copy} (r, {u}) SELECT 9, f FROM {names.parent} WHERE {k} = 8",
            f"UPDATE {names.copy} SET {k} = 5 WHERE {k} = 8",
            f"UPDATE {names.copy} SET r = 99 WHERE r = 9",
            f"DELETE FROM {names.copy} WHERE r < 3",
        ):
            run(write)
            sound()
        with pytest.raises(psycopg.errors.CheckViolation):
            run(f"INSERT INTO {names.copy} (r, {u}, {v}) SELECT 10, f, 'no' FROM {names.parent}")
        for statement in list_losers(names, child):
            run(statement.text)
        for function in ("replace_listed", "fill_uuid_map", "refresh"):
            run(f"SELECT {names.own(function)}(0, 100)")
        for statement in (*remove(names, child), *freeze(names, child)):
            run(statement.text)
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            run(f"UPDATE {names.copy} SET {v} = 'no'")
        run(f"UPDATE {names.parent} SET {v} = 'late'")
        for statement in (
            *unfreeze(names, child), *install_refresh(names, child),
            emptied_statement(names, child),
        ):  # fmt: skip
            run(statement.text)
        run(f"SELECT {names.own('refresh')}(0, 100)")
        sound()


def test_every_function_pins_its_search_path_and_is_nobody_else_s() -> None:
    from tests.sql.parallel.playground import CHILD, NAMES

    made = (
        *install(NAMES, CHILD), *freeze(NAMES, CHILD),
        *install_refresh(NAMES, CHILD), *batch_functions(NAMES, CHILD),
        *refresh_function(NAMES, CHILD),
    )  # fmt: skip
    texts = [s.text for s in made]
    functions = [t for t in texts if t.startswith("CREATE OR REPLACE FUNCTION")]
    assert len(functions) > 15
    revoked = {t.split("FUNCTION ")[1].split("(")[0] for t in texts if t.startswith("REVOKE ALL")}
    for text in functions:
        assert "SET search_path = pg_catalog, pg_temp" in text
        assert text.split("FUNCTION ")[1].split("(")[0] in revoked
        assert ("SECURITY DEFINER" in text) == ("RETURNS trigger" in text)
        assert "IS NOT DISTINCT FROM" not in text
        assert "pg_trigger_depth" not in text
