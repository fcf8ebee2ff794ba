"""What hangs on a column: the portrait says the same as a real ALTER that is rolled back."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.portrait import Table
from tests.fixtures.portraits import Catalog

TABLE = "s.t"
EVERYTHING = (
    "CREATE SCHEMA s",
    "CREATE FUNCTION s.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TABLE s.other (a int, b int, n bigint, UNIQUE (a, b))",
    "CREATE TABLE s.t (id bigint GENERATED ALWAYS AS IDENTITY, a int, b int, c int, d int, e int,"
    " f int, g int, h int, i int, j int, k int, l serial, m int, n text, o int,"
    " p int GENERATED ALWAYS AS (o * 2) STORED, q int,"
    " CONSTRAINT pk PRIMARY KEY (id) INCLUDE (a),"
    " CONSTRAINT uq UNIQUE (b, c), CONSTRAINT uq_include UNIQUE (m) INCLUDE (d),"
    " CONSTRAINT ck CHECK (e < f), CONSTRAINT whole CHECK (t IS NOT NULL OR true),"
    " CONSTRAINT fk FOREIGN KEY (g, h) REFERENCES s.other (a, b))",
    "ALTER TABLE s.t ADD CONSTRAINT ex EXCLUDE USING btree (a WITH =, (b + 1) WITH =)"
    " WHERE (e > 0)",
    "CREATE INDEX ix ON s.t ((i + 1)) INCLUDE (j) WHERE k > 0",
    "CREATE STATISTICS s.st ON i, j FROM s.t",
    "CREATE STATISTICS s.st_expression ON (k + 1) FROM s.t",
    "CREATE TABLE s.referring (b int, c int, CONSTRAINT inward FOREIGN KEY (b, c)"
    " REFERENCES s.t (b, c))",
    "CREATE VIEW s.v AS SELECT id, e FROM s.t",
    "CREATE VIEW s.v_above AS SELECT e FROM s.v",
    "CREATE MATERIALIZED VIEW s.mv AS SELECT f FROM s.t",
    "CREATE VIEW s.counting AS SELECT count(*) FROM s.t",
    "CREATE RULE ru AS ON UPDATE TO s.other DO ALSO DELETE FROM s.t WHERE t.g = OLD.a",
    "CREATE FUNCTION s.fn() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(h) FROM s.t; END",
    "CREATE POLICY own ON s.t USING (i > 0)",
    "CREATE POLICY foreign_one ON s.other USING (EXISTS (SELECT FROM s.t WHERE t.j = a))",
    "CREATE TRIGGER update_of BEFORE UPDATE OF k ON s.t FOR EACH ROW EXECUTE FUNCTION s.nothing()",
    "CREATE TRIGGER when_so BEFORE UPDATE ON s.t FOR EACH ROW WHEN (NEW.m > 0)"
    " EXECUTE FUNCTION s.nothing()",
    'CREATE TRIGGER "AA_refactor_ours" AFTER UPDATE OF q ON s.t FOR EACH ROW'
    " EXECUTE FUNCTION s.nothing()",
    "CREATE PUBLICATION listed FOR TABLE s.t (id, a, m), s.other WHERE (n > 0)",
    "CREATE PUBLICATION filtered FOR TABLE s.t WHERE (n > '')",
    "ALTER TABLE s.other ALTER n SET DEFAULT nextval('s.t_id_seq')",
    "CREATE VIEW s.drawn AS SELECT last_value FROM s.t_id_seq",
    "CREATE FUNCTION s.draws() RETURNS bigint LANGUAGE sql BEGIN ATOMIC"
    " SELECT nextval('s.t_id_seq'); END",
)
GONE = """
SELECT format('constraint %s on table s.t', k.conname) FROM pg_constraint k
WHERE k.conrelid = 's.t'::regclass AND k.contype IN ('p', 'u', 'c', 'f', 'x')
UNION ALL
SELECT format('index %s', i.indexrelid::regclass) FROM pg_index i
WHERE i.indrelid = 's.t'::regclass AND NOT EXISTS (
  SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)
UNION ALL
SELECT format('statistics object s.%s', stxname) FROM pg_statistic_ext
WHERE stxrelid = 's.t'::regclass
UNION ALL
SELECT format('sequence s.%s', relname) FROM pg_class WHERE relkind = 'S'
"""


@pytest.fixture
def table(catalog: Catalog) -> Table:
    catalog.run(EVERYTHING)
    return catalog.table("s", "t")


def tried(catalog: Catalog, alter: str) -> tuple[set[str], set[str]]:
    """What stopped the ALTER by PostgreSQL's own words, or what was gone after it."""
    with psycopg.connect(libpq_url(catalog.url)) as connection:
        connection.execute("SET search_path = ''")
        before = {text for (text,) in connection.execute(GONE.encode())}
        try:
            connection.execute(alter.encode())
        except psycopg.errors.DependentObjectsStillExist as error:
            detail = (error.diag.message_detail or "").splitlines()
            connection.rollback()
            names = {line.partition(" depends on ")[::2] for line in detail}
            return {n for n, on in names if " s.t" in f" {on}"}, set()
        after = {text for (text,) in connection.execute(GONE.encode())}
        connection.rollback()
        return set(), before - after


def said(table: Table, columns: Sequence[str]) -> tuple[set[str], set[str]]:
    stops = {use.name for use in table.uses_of(columns, stops=True)}
    silent = {use.name for use in table.uses_of(columns, stops=False)}
    return stops, silent


def drop(*columns: str) -> str:
    return f"ALTER TABLE {TABLE} " + ", ".join(f"DROP COLUMN {c}" for c in columns)


@pytest.mark.parametrize("column", [*"abcdefghijklmnop", "id"])
def test_each_column_has_the_uses_that_its_drop_meets(
    column: str, catalog: Catalog, table: Table
) -> None:
    stopped, gone = tried(catalog, drop(column))
    stops, silent = said(table, [column])
    assert stops == stopped
    if not stopped:
        assert silent == gone


def test_of_many_columns_one_silent_way_to_go_is_enough(catalog: Catalog, table: Table) -> None:
    columns = [*"abc", "e"]
    stopped = set().union(*(tried(catalog, drop(column))[0] for column in columns))
    # The expression over b stops its drop, and the key column a takes the constraint along.
    assert "constraint ex on table s.t" in stopped
    stops, silent = said(table, columns)
    assert stops == stopped - {"constraint ex on table s.t"}
    assert {"constraint ex on table s.t", "constraint uq on table s.t"} <= silent


def test_what_uses_the_identity_stops_its_drop(catalog: Catalog, table: Table) -> None:
    stopped, _ = tried(catalog, f"ALTER TABLE {TABLE} ALTER id DROP IDENTITY")
    assert {u.name for u in table.uses if u.sequence and u.columns == ("id",)} == stopped
    assert len(stopped) == 3


def test_what_is_ours_is_no_use(table: Table) -> None:
    assert said(table, ["q"]) == (set(), set())
