"""Reading portraits: in few statements, whole, and without a trace in the session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import create_engine

from membership_refactor.catalog.read import read_portrait, read_server
from membership_refactor.errors import RefactorError
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.portrait import differences
from membership_refactor.portrait.document import vanished
from membership_refactor.sql.ddl.create import create_tables
from tests.fixtures.portraits import Catalog
from tests.portrait.everything import PLAIN


def test_an_ordinary_role_reads_what_a_superuser_reads(catalog: Catalog) -> None:
    catalog.run([*PLAIN.statements(), *PLAIN.surroundings(), *PLAIN.publication()])
    expected = catalog.portrait(PLAIN.schema, [PLAIN.table])

    with catalog.connect() as connection, connection.begin():
        connection.exec_driver_sql(f"SET LOCAL ROLE {PLAIN.writer}")
        found = read_portrait(connection, PLAIN.schema, [PLAIN.table])

    assert found == expected


@pytest.mark.parametrize("isolation", ["AUTOCOMMIT", "READ COMMITTED"])
def test_the_sessions_settings_stay_as_they_were(catalog: Catalog, isolation: str) -> None:
    engine = create_engine(catalog.url, isolation_level=isolation)
    with engine.connect() as connection:
        for setting in ("search_path = public, pg_temp", "DateStyle = 'German'"):
            connection.exec_driver_sql(f"SET {setting}")
        if isolation != "AUTOCOMMIT":
            connection.exec_driver_sql("SET LOCAL TimeZone = 'Asia/Tokyo'")

        read_portrait(connection, "public", ["nothing"])
        read_server(connection, "public")

        assert connection.exec_driver_sql("SHOW search_path").scalar() == "public, pg_temp"
        assert connection.exec_driver_sql("SHOW DateStyle").scalar() == "German, DMY"
        if isolation != "AUTOCOMMIT":
            assert connection.exec_driver_sql("SHOW TimeZone").scalar() == "Asia/Tokyo"
    engine.dispose()


def test_a_portrait_does_not_depend_on_the_sessions_settings(catalog: Catalog) -> None:
    catalog.run([*PLAIN.statements(), *PLAIN.surroundings()])
    expected = catalog.portrait(PLAIN.schema, [PLAIN.table])

    with catalog.connect() as connection:
        for setting in (
            "search_path = s, public",
            "DateStyle = 'German'",
            "TimeZone = 'Asia/Tokyo'",
            "IntervalStyle = 'sql_standard'",
            "quote_all_identifiers = on",
        ):
            connection.exec_driver_sql(f"SET {setting}")
        assert read_portrait(connection, PLAIN.schema, [PLAIN.table]) == expected


def test_what_the_caller_has_not_committed_is_read_and_kept(catalog: Catalog) -> None:
    with catalog.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("CREATE TABLE public.t (id bigint)")
        portrait = read_portrait(connection, "public", ["t"])
        transaction.commit()

    assert portrait.table("t").column_names == ("id",)
    assert differences(portrait, catalog.portrait("public", ["t"])) == ()


def test_the_tools_own_triggers_are_no_part_of_a_portrait(catalog: Catalog) -> None:
    catalog.run(
        [
            "CREATE TABLE public.t (id bigint)",
            "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
            'CREATE TRIGGER "AA_refactor_x" AFTER INSERT ON public.t EXECUTE FUNCTION public.f()',
            'CREATE TRIGGER "~refactor_x" AFTER INSERT ON public.t EXECUTE FUNCTION public.f()',
            'CREATE TRIGGER "aa_refactor" AFTER INSERT ON public.t EXECUTE FUNCTION public.f()',
        ]
    )

    assert [t.name for t in catalog.table("public", "t").triggers] == ["aa_refactor"]


def test_the_server_says_who_we_are(catalog: Catalog) -> None:
    catalog.run(
        [
            *PLAIN.roles,
            "CREATE TABLE public.t (id bigint PRIMARY KEY)",
        ]
    )
    with catalog.connect() as connection, connection.begin():
        connection.exec_driver_sql(f"SET LOCAL ROLE {PLAIN.owner}")
        server = read_server(connection, "public")

    assert (server.user, server.superuser) == (PLAIN.owner, False)
    assert PLAIN.owner not in server.bypass_row_security
    assert server.acts_as == (PLAIN.owner,)
    assert not server.creates_in_schema
    assert not server.creates_in_database
    assert server.relations == ("t", "t_pkey")


def test_many_tables_are_read_with_as_many_statements_as_one(catalog: Catalog) -> None:
    tables = legacy_tables("public")
    catalog.run(create_tables(tables))
    names = [table.name for table in tables.tables]

    assert len(names) > 1
    assert _statements(catalog, names) == _statements(catalog, names[:1])


def _statements(catalog: Catalog, names: list[str]) -> int:
    count = 0

    class Counting(psycopg.Cursor[Any]):
        def execute(self, *args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            return super().execute(*args, **options)

    with catalog.connect() as connection:
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        driver.cursor_factory = Counting
        read_portrait(connection, "public", names)
    assert count > 0
    return count


@pytest.mark.parametrize(
    ("kind", "definition", "said"),
    [
        ("VIEW", "AS SELECT v FROM public.t", "could not open relation with OID"),
        ("STATISTICS", "ON id, v FROM public.t", "is gone"),
    ],
)
def test_an_object_that_is_dropped_while_it_is_read_is_no_part_of_a_portrait(
    kind: str, definition: str, said: str, catalog: Catalog
) -> None:
    """Under an old snapshot the dependency stands, and PostgreSQL describes it as NULL."""
    catalog.run(
        [
            "CREATE TABLE public.t (id bigint PRIMARY KEY, v text)",
            f"CREATE {kind} public.of_t {definition}",
        ]
    )
    engine = create_engine(catalog.url, isolation_level="REPEATABLE READ")
    with engine.connect() as old:
        old.exec_driver_sql("SELECT 1")
        catalog.run([f"DROP {kind} public.of_t"])

        with pytest.raises(RefactorError, match="changed each of the 10 times") as raised:
            read_portrait(old, "public", ["t"])

    assert said in str(raised.value)
    engine.dispose()
    uses = catalog.portrait("public", ["t"]).tables[0].uses
    assert not any("of_t" in use.name for use in uses)


def test_a_whole_portrait_lacks_nothing(catalog: Catalog) -> None:
    catalog.run([*PLAIN.statements(), *PLAIN.surroundings()])
    portrait = catalog.portrait(PLAIN.schema, [PLAIN.table])
    table = portrait.tables[0]
    nameless = replace(table, indexes=(*table.indexes[:-1], replace(table.indexes[-1], name=None)))  # type: ignore[arg-type]

    assert vanished(portrait) is None
    last = len(table.indexes) - 1
    assert vanished(replace(portrait, tables=(nameless,))) == (
        f"portrait.tables[0].indexes[{last}].name"
    )
