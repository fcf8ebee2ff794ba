"""Writers who may do nothing but write their table, under row security and hostile schemas."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.fixtures.databases import TemplateDatabase
from tests.races.pilot import Pilot
from tests.races.stages import tables_at
from tests.races.tables import COPY, SOURCE, assert_equal, assert_parents, build_tables, execute

WRITER = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mr_race_writer') THEN
    CREATE ROLE mr_race_writer;
  END IF;
END $$;
GRANT USAGE ON SCHEMA s TO mr_race_writer;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON s.wide TO mr_race_writer;
ALTER TABLE s.wide ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON s.wide TO mr_race_writer USING (id % 2 = 0) WITH CHECK (true);
"""
HOSTILE = """
CREATE SCHEMA evil AUTHORIZATION mr_race_writer;
SET ROLE mr_race_writer;
CREATE FUNCTION evil.lie(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.lie);
CREATE OPERATOR evil.<> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.lie);
CREATE FUNCTION evil.count() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE sql AS $$SELECT 'on'::text$$;
CREATE FUNCTION evil.array_agg(bigint) RETURNS bigint[] LANGUAGE sql AS 'SELECT NULL::bigint[]';
CREATE FUNCTION evil.cardinality(bigint[]) RETURNS int LANGUAGE sql AS 'SELECT 0';
CREATE FUNCTION evil.pg_relation_size(regclass) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
CREATE TABLE evil.n (id bigint); CREATE TABLE evil.o (id bigint);
"""
WRITES = (
    "UPDATE {t} SET rotation = 'w' WHERE id IN (12, 14, 22)",
    "UPDATE {t} SET rotation = 'w' WHERE id = 24",
    "UPDATE {t} SET id = 16, person_id = 3 WHERE id = 14",
    # The writer will not see the first of these again.
    "INSERT INTO {t} (id, person_id, programme, curriculum) VALUES (17, 1, 1, 1), (18, 1, 1, 1)",
    "DELETE FROM {t} WHERE id IN (32, 34)",
    "DELETE FROM {t} WHERE id = 42",
)


def build(url: str) -> None:
    build_tables(url)
    execute(url, WRITER, HOSTILE)
    with Pilot(url) as pilot:
        pilot.upgrade("0003", "0004")


def build_parents(url: str) -> None:
    build(url)
    with Pilot(url) as pilot:
        pilot.upgrade("0005", "0006", "0007")


@pytest.mark.parametrize("path", ["s", "evil, pg_catalog, s", "s, evil, pg_catalog"])
@pytest.mark.parametrize("table", [SOURCE, COPY])
def test_a_writer_under_row_security_without_the_ledger_is_followed(
    table: str, path: str, template_database: TemplateDatabase
) -> None:
    url = template_database("races, privileges", build)
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("SET ROLE mr_race_writer")
        connection.execute(f"SET search_path = {path}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT 1 FROM s_refactor.m_kept")
        for text in (*WRITES, "TRUNCATE {t}"):
            connection.execute(text.replace("{t}", table).encode())
            assert_equal(url)


@pytest.mark.parametrize("path", ["s", "evil, pg_catalog, s"])
def test_a_writer_of_the_child_who_may_not_touch_parents_is_followed(
    path: str, template_database: TemplateDatabase
) -> None:
    url = template_database("races, privileges, parents", build_parents)
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("SET ROLE mr_race_writer")
        connection.execute(f"SET search_path = {path}".encode())
        for text in (*WRITES, "TRUNCATE {t}"):
            connection.execute(text.replace("{t}", COPY).encode())
            assert_parents(url)


def test_a_writer_without_privileges_is_recorded_while_the_copy_is_made(
    template_database: TemplateDatabase,
) -> None:
    url = template_database(tables_at("0001"))
    execute(url, WRITER, HOSTILE)
    with Pilot(url) as pilot:
        pilot.start(lambda runner: runner.upgrade("copy_table"), until="ANALYZE")
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            connection.execute("SET ROLE mr_race_writer; SET search_path = evil, pg_catalog, s")
            for text in WRITES:
                connection.execute(text.replace("{t}", SOURCE).encode())
        pilot.finish()
    assert_equal(url)
