"""Which schemas a pattern means."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import WrongUse
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.tenants.choose_schemas import Schema, choose, read_schemas, tables_of
from tests.fixtures.databases import NewDatabase

TABLES = tables_of([SPLIT])
WIDE = frozenset({"programme_membership"})


def schema(name: str, tables: frozenset[str] = frozenset(), *, matches: bool = True) -> Schema:
    return Schema(name, matches, tables)


def test_a_tenant_has_a_table_of_the_plan_or_a_ledger() -> None:
    chosen = choose(
        [
            schema("a", WIDE),
            schema("b", frozenset({"curriculum_membership"})),
            schema("c"),
            schema("c_refactor", frozenset({"step"})),
            schema("d"),
            schema("e", WIDE, matches=False),
        ],
        TABLES,
    )
    assert chosen.tenants == ("a", "b", "c")
    assert chosen.without_tables == ("d",)


def test_a_ledger_is_no_tenant_and_a_schema_that_is_only_named_like_one_is() -> None:
    chosen = choose(
        [
            schema("a", WIDE),
            schema("a_refactor", frozenset({"step"})),
            schema("b", WIDE),
            schema("b_refactor", WIDE),
        ],
        TABLES,
    )
    assert chosen.tenants == ("a", "b", "b_refactor")
    assert chosen.without_tables == ()


def test_the_view_of_the_old_shape_is_no_tenant() -> None:
    view = frozenset({"programme_membership"})
    chosen = choose(
        [schema("a", WIDE), Schema("a_old", True, frozenset(), view), schema("b_old", WIDE)], TABLES
    )
    assert (chosen.tenants, chosen.without_tables) == (("a", "b_old"), ())


def test_where_none_matches_those_that_have_the_tables_are_named() -> None:
    with pytest.raises(WrongUse, match=r"^no schema matches\..* Schemas that have them: a\."):
        choose([schema("a", WIDE, matches=False), schema("b", matches=False)], TABLES)
    with pytest.raises(
        WrongUse, match=r"^no schema that matches has.* No schema of this database has\."
    ):
        choose([schema("b")], TABLES)


@pytest.mark.parametrize(
    ("pattern", "excepted", "expected"),
    [
        ("%", [], ["Tenant%1", "odd\\name", "public", "tenant_1", "tenantx1"]),
        ("tenant_1", [], ["tenant_1", "tenantx1"]),
        (r"tenant\_1", [], ["tenant_1"]),
        ("Tenant%", [], ["Tenant%1"]),
        ("%1", ["tenantx_", "Tenant%"], ["tenant_1"]),
        ("odd\\\\name", [], ["odd\\name"]),
    ],
)
def test_the_pattern_is_that_of_like(
    new_database: NewDatabase, pattern: str, excepted: list[str], expected: list[str]
) -> None:
    with psycopg.connect(libpq_url(new_database()), autocommit=True) as pg:
        for name in ("tenant_1", "tenantx1", '"Tenant%1"', '"odd\\name"'):
            pg.execute(f"CREATE SCHEMA {name}".encode())
        found = read_schemas(pg, pattern, excepted, TABLES)
    assert [schema.name for schema in found if schema.matches] == expected


def test_only_tables_make_a_tenant(new_database: NewDatabase) -> None:
    with psycopg.connect(libpq_url(new_database()), autocommit=True) as pg:
        pg.execute(b"CREATE SCHEMA a CREATE TABLE programme_membership (id int)")
        pg.execute(b"CREATE SCHEMA b CREATE VIEW programme_membership AS SELECT 1 AS id")
        pg.execute(b"CREATE SCHEMA c CREATE TABLE curriculum_membership (id int) ")
        found = read_schemas(pg, "_", (), TABLES)
    assert {s.name: (set(s.tables), set(s.views)) for s in found if s.matches} == {
        "a": ({"programme_membership"}, set()),
        "b": (set(), {"programme_membership"}),
        "c": ({"curriculum_membership"}, set()),
    }


@pytest.mark.parametrize("pattern", ["", "tenant\\", "a\0"])
def test_a_pattern_that_cannot_be_is_refused(new_database: NewDatabase, pattern: str) -> None:
    with (
        psycopg.connect(libpq_url(new_database()), autocommit=True) as pg,
        pytest.raises(WrongUse, match="is not a pattern of LIKE"),
    ):
        read_schemas(pg, pattern, (), TABLES)
