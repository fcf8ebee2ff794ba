"""Adopting legacy tables with data: other orders, extras, another schema, no enrollment tables."""

from __future__ import annotations

import json
from collections.abc import Callable

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.sql.ddl.create import create_tables
from tests.cli.processes import FINDINGS, REFUSED, alembic, query, refactor, value, version
from tests.fixtures.databases import TemplateDatabase

REASON = "accept-usage=a test"

EXTRAS = """
ALTER TABLE programme_membership ADD COLUMN "Remarks, free" text DEFAULT 'none';
ALTER TABLE programme_membership ALTER COLUMN period_of_grace SET DEFAULT 0;
ALTER TABLE programme_membership ADD CONSTRAINT grace CHECK (period_of_grace < 1000);
ALTER TABLE programme_membership RENAME CONSTRAINT fk_programme_membership_person_id TO fk_old;
CREATE INDEX "by remarks" ON programme_membership ("Remarks, free");
CREATE INDEX by_dates ON programme_membership (programme_start_date, programme_end_date);
DROP INDEX ix_programme_membership_rotation_id;
CREATE UNIQUE INDEX by_intrepid ON programme_membership (intrepid_id) WHERE intrepid_id <> '';
COMMENT ON TABLE programme_membership IS 'since 2015';
CREATE TABLE somebody_elses (id bigint PRIMARY KEY, note text);
"""
ROWS = """
INSERT INTO person (surname) SELECT 'P' || i FROM generate_series(1, 20) AS i;
INSERT INTO programme (programme_name) VALUES ('One'), ('Two');
INSERT INTO curriculum (name) VALUES ('A'), ('B');
INSERT INTO programme_membership
  (person_id, programme_id, curriculum_id, programme_membership_type, programme_start_date,
   rotation)
SELECT i % 20 + 1, i % 2 + 1, i % 2 + 1, nullif('T' || i % 3, 'T0'), date '2020-01-01' + i % 5,
  'R' || i FROM generate_series(1, 200) AS i;
"""


def legacy(url: str) -> None:
    """The tables as another tool made them: the wide one with its columns in reverse order."""
    portrait = legacy_tables("public")
    with psycopg.connect(libpq_url(url)) as connection:
        for statement in create_tables(portrait):
            connection.execute(statement.text.encode())
        connection.execute("SET search_path = public")
        columns = [
            (c.name, c.type, c.not_null, c.default)
            for c in portrait.table("programme_membership").columns[:0:-1]
        ]
        for name, kind, not_null, default in columns:
            # Every column leaves and comes back, so that the order is another one.
            connection.execute(
                f'ALTER TABLE programme_membership RENAME COLUMN "{name}" TO "was {name}";'
                f'ALTER TABLE programme_membership ADD COLUMN "{name}" {kind} '
                f"{f'DEFAULT {default}' if default else ''} {'NOT NULL' if not_null else ''};"
                f'ALTER TABLE programme_membership DROP COLUMN "was {name}" CASCADE'.encode()
            )
        for key in portrait.table("programme_membership").foreign_keys:
            added = f"ADD CONSTRAINT {key.name} {key.definition}"
            connection.execute(f"ALTER TABLE programme_membership {added}".encode())
        for index in portrait.table("programme_membership").indexes:
            if not index.constraint:
                connection.execute(index.definition.encode())
        connection.execute(ROWS.encode())


def with_extras(url: str) -> None:
    legacy(url)
    query(url, EXTRAS)


def image(url: str, table: str, schema: str = "public") -> list[tuple[object, ...]]:
    """The rows of before, in columns that both tables have."""
    return query(
        url,
        f"SELECT id, person_id, programme_id, curriculum_id, programme_membership_type, "
        f"programme_start_date, rotation, amended_date FROM {schema}.{table} ORDER BY id",
    )


def test_tables_with_data_and_extras_go_the_whole_way_and_back(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("adopting extras", with_extras)
    before = image(url, "programme_membership")
    plan = refactor("plan", url=url)
    assert plan.status == 0 and "200 rows" in plan.out

    up = alembic("-x", REASON, "upgrade", "0008", url=url)
    assert up.status == 0, up.out + up.err
    (found,) = query(url, "SELECT detail FROM public_refactor.event WHERE event = 'adopted'")
    noted = " ".join(found[0]["differences"])
    for name in ("Remarks, free", "by remarks", "by_dates", "by_intrepid", "grace", "column order"):
        assert name in noted
    created = query(
        url, "SELECT detail->>'table' FROM public_refactor.event WHERE event = 'created'"
    )
    assert ("program_enrollment",) in created and ("programme_membership",) not in created

    checks = refactor("checks", "--format", "json", url=url)
    assert checks.status == 0, checks.out
    assert {c["name"] for c in json.loads(checks.out)["checks"]} >= {
        "portrait is as predicted", "models equal the database",
    }  # fmt: skip

    head = alembic("-x", REASON, "upgrade", "head", url=url)
    assert head.status == 0, head.out + head.err
    at_head = refactor("checks", url=url)
    assert at_head.status == 0, at_head.out
    assert value(url, 'SELECT count("Remarks, free") FROM curriculum_membership') == 200
    assert value(url, "SELECT count(*) FROM somebody_elses") == 0

    down = alembic("-x", REASON, "downgrade", "0002", url=url)
    assert down.status == 0, down.out + down.err
    assert image(url, "programme_membership") == before
    assert refactor("checks", url=url).status == 0


def test_what_comes_on_top_of_an_adopted_table_is_a_difference(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("adopting extras", with_extras)
    assert alembic("upgrade", "0002", url=url).status == 0
    assert refactor("checks", "models equal the database", url=url).status == 0
    query(url, "ALTER TABLE programme_membership ADD COLUMN sneaked_in text")
    query(url, "CREATE INDEX sneaky ON programme_membership (leaving_reason)")
    done = refactor("checks", url=url)
    assert done.status == FINDINGS
    models = done.out.partition("models equal the database")[2]
    assert 'column "sneaked_in" is not in the models' in models
    assert 'index "sneaky" (leaving_reason) is not in the models' in models
    assert "by_dates" not in models and "Remarks" not in models


def test_another_schema_is_adopted_and_nothing_is_made_in_public(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("adopting plain", legacy)
    query(url, 'ALTER SCHEMA public RENAME TO "Tenant A"; CREATE SCHEMA public')
    before = image(url, "programme_membership", '"Tenant A"')
    up = alembic("-x", "schema=Tenant A", "upgrade", "0004", url=url)
    assert up.status == 0, up.out + up.err
    assert image(url, "curriculum_membership", '"Tenant A"') == before
    assert (
        value(url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
    )
    assert refactor("-x", "schema=Tenant A", "checks", url=url).status == 0


STOPS: list[tuple[str, str]] = [
    ("ALTER TABLE programme_membership DROP COLUMN leaving_reason", 'column "leaving_reason"'),
    ("ALTER TABLE programme_membership ALTER COLUMN period_of_grace TYPE text", "period_of_grace"),
    ("ALTER TABLE programme_membership ALTER COLUMN person_id DROP NOT NULL", "person_id"),
    ("ALTER TABLE programme_membership DROP CONSTRAINT pk_programme_membership", "primary key"),
    ("ALTER TABLE programme_membership DROP CONSTRAINT fk_programme_membership_person_id",
     'the foreign key (person_id) to "person" is missing'),
    ("DROP TABLE training_number CASCADE", 'table "training_number" is missing'),
]  # fmt: skip


def all_of(*changes: str) -> Callable[[str], None]:
    def build(url: str) -> None:
        legacy(url)
        for change in changes:
            query(url, change)

    return build


def test_every_difference_that_matters_is_in_one_list_and_nothing_is_changed(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("adopting wrong", all_of(*(change for change, _ in STOPS)))
    done = alembic("upgrade", "head", url=url)
    assert done.status == REFUSED
    said = done.said
    for _, named in STOPS:
        assert named in said
    assert version(url) is None
    assert value(url, "SELECT to_regclass('program_enrollment') IS NULL")
    plan = refactor("plan", url=url)
    assert plan.status == FINDINGS and "REFUSED" in plan.out


@pytest.mark.parametrize("verb", ["plan", "status"])
def test_looking_at_legacy_tables_makes_nothing(
    template_database: TemplateDatabase, verb: str
) -> None:
    url = template_database("adopting plain", legacy)
    assert refactor(verb, url=url).status == 0
    assert value(url, "SELECT to_regnamespace('public_refactor') IS NULL")
    assert value(url, "SELECT to_regclass('alembic_version') IS NULL")
