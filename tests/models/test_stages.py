"""Models of the three stages: the plan's columns, the chain's names, a clean comparison."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, create_engine

import membership_refactor.models
from membership_refactor.models import current, interim, legacy
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.names import Names, link_index_name
from tests.fixtures.databases import NewDatabase

STAGES = [legacy, interim, current]
NAMES = Names(SPLIT, "public")
OF_LINK = {NAMES.link_key_name, link_index_name(SPLIT.child, SPLIT.link)}


def columns(stage: ModuleType, table: str) -> set[str]:
    metadata: MetaData = stage.Base.metadata
    return set(metadata.tables[table].columns.keys())


def names_of(stage: ModuleType, table: str) -> set[str]:
    """Every constraint and index."""
    found = stage.Base.metadata.tables[table]
    return {str(item.name) for item in (*found.constraints, *found.indexes)}


def changed() -> set[str]:
    assert SPLIT.changed is not None
    return {SPLIT.changed}


def test_the_package_exports_the_current_stage() -> None:
    models = membership_refactor.models
    assert models.Base is current.Base
    for name in models.__all__:
        assert getattr(models, name) is getattr(current, name)
    assert {m.class_.__name__ for m in current.Base.registry.mappers} < set(models.__all__)


def test_the_legacy_table_has_the_plans_columns() -> None:
    assert columns(legacy, SPLIT.source) == set(SPLIT.source_columns)


@pytest.mark.parametrize("stage", [interim, current])
def test_the_parent_has_identity_key_values_and_time(stage: ModuleType) -> None:
    assert columns(stage, SPLIT.parent) == {SPLIT.parent_id, *SPLIT.deprecated} | changed()


def test_the_child_keeps_the_deprecated_columns_until_0010() -> None:
    kept = {SPLIT.id, SPLIT.link, *SPLIT.child_columns} | changed()
    assert columns(current, SPLIT.child) == kept
    assert columns(interim, SPLIT.child) == kept | set(SPLIT.deprecated)


def test_the_interim_childs_deprecated_columns_are_all_nullable() -> None:
    child = interim.CurriculumMembership.__table__
    assert all(child.columns[name].nullable for name in SPLIT.deprecated)
    assert not child.columns[SPLIT.link].nullable


@pytest.mark.parametrize("stage", [interim, current])
def test_parent_and_link_have_the_names_that_the_chain_gives(stage: ModuleType) -> None:
    assert {NAMES.parent_primary_key_name, NAMES.parent_key_name} <= names_of(stage, SPLIT.parent)
    assert names_of(stage, SPLIT.child) >= OF_LINK


def test_the_interim_childs_other_names_are_the_sources_with_the_tables_name_replaced() -> None:
    carried = {
        name.replace(SPLIT.source, SPLIT.child, 1) for name in names_of(legacy, SPLIT.source)
    }
    assert names_of(interim, SPLIT.child) == carried | OF_LINK


@pytest.mark.parametrize("stage", [interim, current])
def test_the_unique_key_is_the_plans_and_takes_nulls_as_equal(stage: ModuleType) -> None:
    (key,) = (
        constraint
        for constraint in stage.Base.metadata.tables[SPLIT.parent].constraints
        if constraint.name == NAMES.parent_key_name
    )
    assert tuple(key.columns.keys()) == SPLIT.key
    assert key.dialect_kwargs["postgresql_nulls_not_distinct"] is True


@pytest.mark.parametrize("stage", STAGES)
def test_alembic_finds_no_difference_between_models_and_what_they_created(
    new_database: NewDatabase, stage: ModuleType
) -> None:
    engine = create_engine(new_database())
    with engine.begin() as connection:
        stage.Base.metadata.create_all(connection)
        assert differences(connection, stage.Base.metadata) == []
    engine.dispose()


def test_alembic_does_find_a_key_that_became_nulls_distinct(new_database: NewDatabase) -> None:
    engine = create_engine(new_database())
    with engine.begin() as connection:
        current.Base.metadata.create_all(connection)
        connection.exec_driver_sql(
            "ALTER TABLE programme_membership DROP CONSTRAINT uq_programme_membership_key, "
            "ADD CONSTRAINT uq_programme_membership_key UNIQUE (person_id, programme_id, "
            "programme_membership_type, programme_start_date, programme_end_date)"
        )
        found = differences(connection, current.Base.metadata)
    engine.dispose()
    assert {operation for operation, _ in found} == {"remove_constraint", "add_constraint"}


@pytest.mark.parametrize(("one", "other"), [(legacy, interim), (interim, current)])
def test_alembic_tells_the_stages_apart(
    new_database: NewDatabase, one: ModuleType, other: ModuleType
) -> None:
    engine = create_engine(new_database())
    with engine.begin() as connection:
        one.Base.metadata.create_all(connection)
        assert differences(connection, other.Base.metadata) != []
    engine.dispose()


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": True,
            "autogenerate_plugins": [
                "alembic.autogenerate.*",
                "alembic.ext.checkconstraint_byname",
            ],
        },
    )
    return list(compare_metadata(context, metadata))
