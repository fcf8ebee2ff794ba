"""Legacy tables that are there already: what stops their adoption, and what is only recorded."""

from __future__ import annotations

import pytest

from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.portrait import adoption
from membership_refactor.sql.ddl.create import create_tables
from tests.fixtures.portraits import Catalog

PM = "public.programme_membership"


@pytest.fixture
def legacy(catalog: Catalog) -> Catalog:
    catalog.run(create_tables(legacy_tables("public")))
    return catalog


def _adopted(catalog: Catalog) -> tuple[str, str]:
    expected = legacy_tables("public")
    found = catalog.portrait("public", [table.name for table in expected.tables])
    result = adoption(expected, found)
    assert result.possible is not bool(result.stopping)
    return "\n".join(result.stopping), "\n".join(result.recorded)


def test_tables_as_0001_makes_them_are_adopted_in_silence(legacy: Catalog) -> None:
    assert _adopted(legacy) == ("", "")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("DROP TABLE public.training_number CASCADE", 'table "training_number" is missing'),
        (f"ALTER TABLE {PM} DROP COLUMN rotation", 'column "rotation" is missing'),
        (
            f"ALTER TABLE {PM} ALTER programme_start_date TYPE timestamp",
            "type is timestamp without time zone, expected date",
        ),
        (f"ALTER TABLE {PM} ALTER rotation SET NOT NULL", "NOT NULL is on, expected off"),
        (f"ALTER TABLE {PM} ALTER person_id DROP NOT NULL", "NOT NULL is off, expected on"),
        (f"ALTER TABLE {PM} DROP CONSTRAINT pk_programme_membership", "the primary key is missing"),
        (f"ALTER TABLE {PM} ALTER id DROP IDENTITY", "identity is not set, expected by default"),
        (
            f"ALTER TABLE {PM} ALTER id SET GENERATED ALWAYS",
            "identity is always, expected by default",
        ),
        (
            "ALTER TABLE public.rotation DROP CONSTRAINT fk_rotation_programme_id",
            'the foreign key (programme_id) to "programme" is missing',
        ),
    ],
)
def test_a_difference_that_matters_stops_it(legacy: Catalog, change: str, sentence: str) -> None:
    legacy.run([change])

    stopping, _ = _adopted(legacy)

    assert sentence in stopping


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (f"ALTER TABLE {PM} ADD COLUMN note text", 'column "note" is not expected'),
        (f"CREATE INDEX mine ON {PM} (rotation)", 'index "mine" is not expected'),
        (
            f"ALTER TABLE {PM} ADD CONSTRAINT mine CHECK (id > 0)",
            'constraint "mine" is not expected',
        ),
        (
            "ALTER INDEX public.ix_programme_membership_person_id RENAME TO mine",
            'index "mine" is not expected',
        ),
        (
            f"ALTER TABLE {PM} RENAME CONSTRAINT fk_programme_membership_person_id TO mine",
            'constraint "mine" is not expected',
        ),
        (f"ALTER TABLE {PM} ALTER amended_date SET DEFAULT clock_timestamp()", "default is"),
        (f"GRANT SELECT ON {PM} TO PUBLIC", 'grant of SELECT to "PUBLIC" is not expected'),
        (
            f"ALTER TABLE {PM} DROP COLUMN intrepid_id, ADD COLUMN intrepid_id text,"
            " DROP COLUMN period_of_grace, ADD COLUMN period_of_grace integer",
            "column order is",
        ),
    ],
)
def test_a_difference_that_does_not_is_recorded(
    legacy: Catalog, change: str, sentence: str
) -> None:
    legacy.run([change])

    stopping, recorded = _adopted(legacy)

    assert stopping == ""
    assert sentence in recorded
