"""Tables made from their portraits are what the portraits say."""

from __future__ import annotations

import os
from dataclasses import replace

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.portrait import Table, differences
from membership_refactor.sql.ddl.create import create_table, create_tables
from membership_refactor.sql.quoting import qualified
from tests.fixtures.portraits import Catalog
from tests.portrait.everything import HOSTILE, PLAIN, Everything


@pytest.mark.parametrize("schema", ["public", 'odd "schema" %s.x'])
def test_the_legacy_tables_are_read_back_as_they_were_described(
    catalog: Catalog, schema: str
) -> None:
    expected = legacy_tables(schema)
    if schema != "public":
        catalog.run([f"CREATE SCHEMA {qualified(schema, '')[:-3]}"])

    catalog.run(create_tables(expected))

    found = catalog.portrait(schema, [table.name for table in expected.tables])
    assert differences(expected, found, ignore_order=False) == ()


@pytest.mark.parametrize("names", [PLAIN, HOSTILE], ids=["plain names", "hostile names"])
def test_a_table_with_everything_is_made_again_as_it_was(
    catalog: Catalog, names: Everything
) -> None:
    catalog.run(names.statements())
    catalog.run(names.publication())
    before = catalog.table(names.schema, names.table)
    catalog.run([f"DROP TABLE {qualified(names.schema, names.table)}"])

    catalog.run(create_table(before))

    after = catalog.table(names.schema, names.table)
    assert _comparable(after) == _comparable(before)
    assert differences(before, after, ignore_order=False) == ()


def test_an_owner_who_is_no_superuser_makes_it_again_as_it_was(catalog: Catalog) -> None:
    catalog.run(PLAIN.statements())
    before = catalog.table(PLAIN.schema, PLAIN.table)
    catalog.run([f"DROP TABLE {qualified(PLAIN.schema, PLAIN.table)}"])

    catalog.run(create_table(before), role=PLAIN.owner)

    after = catalog.table(PLAIN.schema, PLAIN.table)
    assert _comparable(after) == _comparable(before)


def test_a_serial_column_keeps_its_sequence(catalog: Catalog) -> None:
    catalog.run(
        [
            "CREATE TABLE public.t (id serial PRIMARY KEY, n smallserial)",
            "COMMENT ON SEQUENCE public.t_id_seq IS 'counts'",
        ]
    )
    before = catalog.table("public", "t")
    catalog.run(["DROP TABLE public.t"])

    catalog.run(create_table(before))

    assert _comparable(catalog.table("public", "t")) == _comparable(before)


def test_default_privileges_open_a_new_table_to_nobody(catalog: Catalog) -> None:
    catalog.run(
        [
            *PLAIN.roles,
            "CREATE TABLE public.t (id bigint GENERATED ALWAYS AS IDENTITY, n serial)",
        ]
    )
    before = catalog.table("public", "t")
    catalog.run(
        [
            "DROP TABLE public.t",
            "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
            f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {PLAIN.reader} WITH GRANT OPTION",
            "ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC",
        ]
    )
    statements = create_table(before)

    # Each statement by itself, as a session in autocommit would run it.
    for statement in statements:
        catalog.run([statement])
        opened = catalog.rows(
            "SELECT c.relname, x.privilege_type FROM pg_class c, aclexplode(c.relacl) x"
            " WHERE c.relnamespace = 'public'::regnamespace AND x.grantee <> c.relowner"
        )
        assert opened == []

    assert differences(before, catalog.table("public", "t")) == ()


def test_a_grant_that_a_grantee_gave_on_keeps_its_grantor(catalog: Catalog) -> None:
    catalog.run(
        [
            *PLAIN.roles,
            "CREATE TABLE public.t (id bigint, note text)",
            f"GRANT SELECT, UPDATE (note) ON public.t TO {PLAIN.writer} WITH GRANT OPTION",
            f"SET ROLE {PLAIN.writer}",
            f"GRANT SELECT, UPDATE (note) ON public.t TO {PLAIN.reader}",
            "RESET ROLE",
        ]
    )
    before = catalog.table("public", "t")
    catalog.run(["DROP TABLE public.t"])

    catalog.run(create_table(before))

    assert _comparable(catalog.table("public", "t")) == _comparable(before)


def test_an_owner_without_a_privilege_does_not_get_it_back(catalog: Catalog) -> None:
    catalog.run(
        ["CREATE TABLE public.t (id bigint)", "REVOKE DELETE ON public.t FROM CURRENT_USER"]
    )
    before = catalog.table("public", "t")
    catalog.run(["DROP TABLE public.t"])

    catalog.run(create_table(before))

    assert _comparable(catalog.table("public", "t")) == _comparable(before)


def test_tablespaces_of_table_and_indexes_are_kept(catalog: Catalog) -> None:
    space = f"mr_test_{os.getpid()}"
    with psycopg.connect(libpq_url(catalog.url), autocommit=True) as connection:
        connection.execute("SET allow_in_place_tablespaces = on")
        connection.execute(f"CREATE TABLESPACE {space} LOCATION ''")
        try:
            connection.execute(
                f"CREATE TABLE public.t (id int PRIMARY KEY USING INDEX TABLESPACE {space}, n int)"
                f" TABLESPACE {space}"
            )
            connection.execute(f"CREATE INDEX i ON public.t (n) TABLESPACE {space} WHERE n > 1")
            before = catalog.table("public", "t")
            connection.execute("DROP TABLE public.t")

            catalog.run(create_table(before))

            after = catalog.table("public", "t")
            assert after.tablespace == space
            assert {index.tablespace for index in after.indexes} == {space}
            assert _comparable(after) == _comparable(before)
        finally:
            connection.execute("DROP TABLE IF EXISTS public.t")
            connection.execute(f"DROP TABLESPACE {space}")


def test_what_18_added_is_kept(catalog: Catalog) -> None:
    if int(str(catalog.value("SHOW server_version_num"))) < 180000:
        pytest.skip("virtual generated columns and NOT ENFORCED came with PostgreSQL 18")
    catalog.run(
        [
            "CREATE TABLE public.o (id bigint PRIMARY KEY)",
            "CREATE TABLE public.t (id bigint PRIMARY KEY,"
            " twice bigint GENERATED ALWAYS AS (id * 2) VIRTUAL,"
            " more bigint GENERATED ALWAYS AS (id * 3) STORED,"
            " CONSTRAINT f FOREIGN KEY (id) REFERENCES public.o NOT ENFORCED,"
            " CONSTRAINT c CHECK (id > 1) NOT ENFORCED)",
        ]
    )
    before = catalog.table("public", "t")
    catalog.run(["DROP TABLE public.t"])

    catalog.run(create_table(before))

    assert before.column("twice").virtual
    assert not before.column("more").virtual
    assert _comparable(catalog.table("public", "t")) == _comparable(before)


def _comparable(table: Table) -> Table:
    return replace(table, rows=None, bytes=None, dependents=(), incoming=())
