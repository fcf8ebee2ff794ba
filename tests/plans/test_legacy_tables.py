"""The tables of revision 0001: as stated, as created, and as the legacy models have them."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from membership_refactor.catalog.read import read_portrait
from membership_refactor.models import legacy
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.portrait_differences import differences
from membership_refactor.sql.ddl.create import create_tables
from membership_refactor.sql.quoting import ident
from tests.fixtures.databases import NewDatabase

SCHEMAS = ["public", "Tenant A", 'quote"d', "select", "nimdta"]


def test_the_wide_table_has_exactly_the_columns_of_the_plan() -> None:
    table = legacy_tables("public").table(SPLIT.source)
    assert set(table.column_names) == set(SPLIT.source_columns)


def test_a_table_stands_after_those_it_refers_to() -> None:
    seen: set[str] = set()
    for table in legacy_tables("public").tables:
        for key in table.foreign_keys:
            assert key.references is not None
            assert key.references[1] in seen
        seen.add(table.name)


def test_every_foreign_key_has_an_index_that_begins_with_its_column() -> None:
    for table in legacy_tables("public").tables:
        leading = {index.columns[0] for index in table.indexes}
        for key in table.foreign_keys:
            assert key.columns[0] in leading, key.name


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_portrait_read_back_after_creating_the_tables_is_the_stated_one(
    new_database: NewDatabase, schema: str
) -> None:
    stated = legacy_tables(schema)
    engine = create_engine(new_database())
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {ident(schema)}")
        for statement in create_tables(stated):
            connection.execution_options(no_parameters=True).exec_driver_sql(statement.text)
        found = read_portrait(connection, schema, [table.name for table in stated.tables])
    engine.dispose()
    assert differences(stated, found, ignore_order=False) == ()


def test_the_legacy_models_create_the_stated_tables(new_database: NewDatabase) -> None:
    stated = legacy_tables("public")
    found = _created_by_the_models(new_database())
    assert differences(stated, found, ignore_order=False) == ()


def test_the_comparison_would_see_a_missing_index(new_database: NewDatabase) -> None:
    url = new_database()
    _created_by_the_models(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_programme_membership_rotation_id")
        found = read_portrait(connection, "public", [SPLIT.source])
    engine.dispose()
    stated = legacy_tables("public").table(SPLIT.source)
    (difference,) = differences(stated, found.table(SPLIT.source))
    assert "ix_programme_membership_rotation_id" in difference


def _created_by_the_models(url: str) -> Portrait:
    engine = create_engine(url)
    with engine.begin() as connection:
        legacy.Base.metadata.create_all(connection)
        names = [table.name for table in legacy_tables("public").tables]
        found = read_portrait(connection, "public", names)
    engine.dispose()
    return found
