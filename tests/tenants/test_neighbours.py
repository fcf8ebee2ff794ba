"""What is read of one tenant does not grow with the others."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.catalog.dependent_queries import BY_TEXT
from membership_refactor.catalog.function_queries import CALLS
from membership_refactor.database import libpq_url
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.column_uses import column_uses
from membership_refactor.sql.names import Names
from membership_refactor.sql.row_security import filtered_tables
from tests.cli.in_process import in_process
from tests.cli.processes import query, value
from tests.fixtures.databases import TemplateDatabase
from tests.tenants.schemas import three


def two_ahead(url: str) -> None:
    """For ``template_database``: three tenants, two of which write both tables."""
    three(url)
    for name in ("tenant_01", "tenant_02"):
        done = in_process(url, "upgrade", "0004", x=(f"schema={name}", "accept-usage=a test"))
        assert done.status == 0, done.err


def many_tables(url: str) -> None:
    """For ``template_database``: three tenants among many tables of others."""
    three(url)
    query(
        url,
        "DO $$ BEGIN FOR n IN 1..400 LOOP EXECUTE format('CREATE TABLE public.t%s "
        "(a int PRIMARY KEY, b text DEFAULT ''x'', c int CHECK (c > 0))', n); END LOOP; END $$",
    )
    query(url, "ANALYZE pg_catalog.pg_depend, pg_catalog.pg_attribute, pg_catalog.pg_class")


TABLES = "ARRAY['tenant_03.programme_membership', 'tenant_03.person']::regclass[]::oid[]"


def test_functions_of_another_ledger_are_in_no_portrait_and_those_of_the_application_are(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("two tenants ahead", two_ahead)
    body = "BEGIN PERFORM 1 FROM programme_membership; END"
    for place in ("public.of_application", "tenant_02_refactor.looks_like_it"):
        query(url, f"CREATE FUNCTION {place}() RETURNS void LANGUAGE plpgsql AS '{body}'")
    for ledger in ("tenant_01_refactor", "tenant_02_refactor"):
        mentions = (
            "SELECT count(*) FROM pg_proc WHERE prosrc LIKE '%programme_membership%' "
            f"AND pronamespace = '{ledger}'::regnamespace"
        )
        assert value(url, mentions) > 1, "the functions that follow writes name the table"
    with psycopg.connect(libpq_url(url)) as connection:
        oid = value(url, "SELECT 'tenant_03.programme_membership'::regclass::oid::int")
        found = connection.execute(
            BY_TEXT.encode(), {"tables": [oid], "ledger": "tenant_03_refactor"}
        ).fetchall()
    assert [row[2] for row in found] == ["of_application()"]


def test_a_schema_that_is_only_named_like_a_ledger_hides_no_function(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("three tenants", three)
    query(url, "CREATE SCHEMA other_refactor CREATE TABLE step (id int) CREATE TABLE job (id int)")
    query(
        url,
        "CREATE FUNCTION other_refactor.f() RETURNS void LANGUAGE plpgsql AS "
        "'BEGIN PERFORM 1 FROM tenant_01.programme_membership; END'",
    )
    plan = in_process(url, "plan", "--format", "json", x=("schema=tenant_01",))
    assert "other_refactor.f()" in plan.out


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        (column_uses(TABLES, "ARRAY['x']"), {"pg_depend", "pg_attribute"}),
        (
            CALLS.replace("%(relations)s", TABLES).replace("%(own)s", "ARRAY['x']"),
            {"pg_depend", "pg_attribute", "pg_proc"},
        ),
        (filtered_tables(Names(SPLIT, "tenant_03")), {"pg_class"}),
    ],
    ids=["column uses", "calls", "row security"],
)
def test_what_is_asked_of_the_catalog_is_looked_up_by_index(
    template_database: TemplateDatabase, text: str, unread: set[str]
) -> None:
    """The planner expects more objects than there are, and would read the whole catalog."""
    url = template_database("many tables", many_tables)
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(b"SET search_path = pg_catalog")
        explained = connection.execute(f"EXPLAIN {text.replace('%%', '%')}".encode())
        plan = "\n".join(row[0] for row in explained.fetchall())
    assert [name for name in sorted(unread) if f"Seq Scan on {name}" in plan] == [], plan
