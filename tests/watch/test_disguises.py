"""Uses in disguise: with the tool's mark, through what is gone, or behind a name of their own."""

from __future__ import annotations

import pytest

from tests.fixtures.watched import DEPRECATED, SOURCE, Watched, WatchedAt
from tests.watch.test_hiding import found_once, prepared, with_reader

T, C, R = "programme_membership", "curriculum_membership", "programme_membership_retired"
COUNTS = f"RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM {T}; END"


@pytest.fixture
def at_0004(watched_at: WatchedAt) -> Watched:
    return with_reader(watched_at("0004"))


def in_plpgsql(statement: str) -> str:
    return (
        f"CREATE FUNCTION calls_it() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {statement}; END $$"
    )


SETUP_AND_USE = {
    "the tool's mark": ("", f"SELECT count(*) FROM {T} /* membership_refactor */"),
    "an alias that is called as the ledger": (
        "", f"SELECT count(*) FROM {T} AS public_refactor WHERE public_refactor.id > 0"),
    "a block that names the ledger": (
        "", f"DO $$ BEGIN PERFORM FROM {T}; /* public_refactor */ END $$"),
    "a part of a statement of the tool": (
        in_plpgsql(f"PERFORM FROM public.{T}"), "SELECT calls_it()"),
    "a join that begins as a check of a foreign key": (
        in_plpgsql(f"PERFORM fk.id FROM {T} fk LEFT OUTER JOIN person p ON true"),
        "SELECT calls_it()"),
    "an operator that a check of a foreign key writes": (
        in_plpgsql(f"""UPDATE "{T}" SET rotation = 'x' WHERE id OPERATOR(pg_catalog.=) 5"""),
        "SELECT calls_it()"),
    "CREATE TABLE AS with columns": ("", f"CREATE TABLE made (a) AS SELECT id FROM {T}"),
    "CREATE TABLE LIKE": ("", f"CREATE TABLE made (LIKE {T})"),
    "a new foreign key": ("", f"CREATE TABLE made (a bigint REFERENCES {T})"),
    "a view that is made, read and dropped": (
        "", f"CREATE VIEW reads_it AS SELECT id FROM {T}; SELECT * FROM reads_it; "
        "DROP VIEW reads_it"),
    "a function that is made, called and dropped": (
        "", "CREATE FUNCTION calls_it() RETURNS SETOF bigint LANGUAGE sql STABLE AS "
        f"'SELECT id FROM {T}'; SELECT * FROM calls_it(); DROP FUNCTION calls_it"),
    "a view that is read and dropped": (
        f"CREATE VIEW reads_it AS SELECT id FROM {T}; ALTER VIEW reads_it OWNER TO reader",
        "SELECT * FROM reads_it; DROP VIEW reads_it"),
    "a view that is read and renamed": (
        f"CREATE VIEW reads_it AS SELECT id FROM {T}; ALTER VIEW reads_it OWNER TO reader",
        "SELECT * FROM reads_it; ALTER VIEW reads_it RENAME TO had_it"),
    "a view whose name has blanks": (
        f'CREATE VIEW "old members" AS SELECT id FROM {T}', 'SELECT * FROM "old members"'),
    "a function in SQL over such a view": (
        f'CREATE VIEW "old members" AS SELECT id FROM {T}; CREATE FUNCTION calls_it() RETURNS '
        """SETOF bigint LANGUAGE sql STABLE AS 'SELECT * FROM "old members"'""",
        "SELECT * FROM calls_it()"),
    "a parsed body behind another": (
        f"CREATE FUNCTION counts_it() {COUNTS}; CREATE FUNCTION calls_it() RETURNS "
        "bigint BEGIN ATOMIC SELECT counts_it(); END", "SELECT calls_it()"),
    "a parsed body in an expression of PL/pgSQL": (
        f"CREATE FUNCTION counts_it() {COUNTS}; CREATE FUNCTION calls_it() RETURNS "
        "bigint LANGUAGE plpgsql AS 'BEGIN RETURN counts_it(); END'", "SELECT calls_it()"),
    "a parsed body in a default": (
        f"CREATE FUNCTION counts_it() {COUNTS}; "
        "CREATE TABLE other (x bigint DEFAULT counts_it())", "INSERT INTO other DEFAULT VALUES"),
    "a parsed body in a CHECK": (
        f"CREATE FUNCTION counts_it() {COUNTS}; "
        "CREATE TABLE other (x bigint CHECK (counts_it() >= 0))", "INSERT INTO other VALUES (1)"),
    "a parsed body in a policy": (
        f"CREATE FUNCTION counts_it() {COUNTS}; CREATE TABLE other AS SELECT 1 AS x;"
        "ALTER TABLE other ENABLE ROW LEVEL SECURITY; "
        "CREATE POLICY p ON other USING (counts_it() > 0)", "SELECT * FROM other"),
    "a parsed body in a domain": (
        f"CREATE FUNCTION counts_it(int) {COUNTS}; "
        "CREATE DOMAIN counted AS int CHECK (counts_it(VALUE) >= 0)", "SELECT 5::counted"),
    "a column of such a domain": (
        f"CREATE FUNCTION counts_it(int) {COUNTS}; CREATE DOMAIN counted AS int "
        "CHECK (counts_it(VALUE) >= 0); CREATE TABLE other (x counted)",
        "INSERT INTO other VALUES (5)"),
    "a parsed body in an operator": (
        f"CREATE FUNCTION counts_it(int, int) {COUNTS}; "
        "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = counts_it)",
        "SELECT 1 === 2"),
    "a parsed body in a cast": (
        "CREATE TYPE pair AS (a int, b int); "
        f"CREATE FUNCTION counts_it(pair) {COUNTS}; "
        "CREATE CAST (pair AS bigint) WITH FUNCTION counts_it(pair)",
        "SELECT ROW(1, 2)::pair::bigint"),
    "a parsed body in an aggregate": (
        f"CREATE FUNCTION counts_it(bigint, int) {COUNTS}; "
        "CREATE AGGREGATE adds_it(int) (SFUNC = counts_it, STYPE = bigint, INITCOND = '0')",
        "SELECT adds_it(1)"),
    "the row type": ("", f"SELECT NULL::{T}"),
    "the row type in CAST": ("", f"SELECT (CAST(NULL AS public.{T})).id"),
    "a document that is read as a row": (
        "", f"SELECT (json_populate_record(NULL::{T}, '{{}}')).id"),
}  # fmt: skip


@pytest.mark.parametrize("way", SETUP_AND_USE)
def test_a_use_in_disguise_is_found_with_its_role(way: str, at_0004: Watched) -> None:
    setup, use = SETUP_AND_USE[way]
    prepared(at_0004, setup)
    at_0004.run(f"SET ROLE reader; {use}")
    found_once(at_0004, "reader")


def test_a_part_of_a_table_is_no_dump_even_by_a_role_that_dumps(at_0004: Watched) -> None:
    lock = f"BEGIN; LOCK TABLE public.{T} IN ACCESS SHARE MODE; COMMIT"
    prepared(at_0004, f"SET ROLE reader; {lock}; {lock}; RESET ROLE")
    with at_0004.connect() as connection:
        connection.execute("SET ROLE reader")
        with connection.cursor().copy(f"COPY public.{T} (id) TO stdout".encode()) as copy:
            list(copy)
    found_once(at_0004, "reader")


def test_a_view_of_whole_rows_uses_the_deprecated_columns(watched_at: WatchedAt) -> None:
    watched = with_reader(watched_at("0008"))
    prepared(
        watched,
        f"CREATE VIEW documents AS SELECT to_jsonb(c) FROM {C} AS c; "
        f"CREATE VIEW live AS SELECT id, curriculum_id FROM {C}",
        DEPRECATED,
    )
    watched.run("SELECT * FROM live")
    assert watched.sample()[DEPRECATED].uses == 0
    watched.run("SET ROLE reader; SELECT * FROM documents")
    found_once(watched, "reader", DEPRECATED)


def test_what_read_the_archive_is_found_when_the_table_has_its_name_again(
    watched_at: WatchedAt,
) -> None:
    """Before 18 the text of a statement is that of its first run, under the archive's name."""
    watched = with_reader(watched_at("0005"))
    watched.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    watched.run(f"SET ROLE reader; SELECT rotation FROM {R}")
    watched.sample()
    watched.chain.down("0005")
    watched.sample()
    watched.run(f"SET ROLE reader; SELECT rotation FROM {T}")
    found_once(watched, "reader")


def test_what_the_tool_carries_for_another_role_is_no_use(at_0004: Watched) -> None:
    prepared(at_0004, "")
    at_0004.run(f"SET ROLE reader; UPDATE {C} SET curriculum_end_date = '2030-01-01' WHERE id = 2")
    assert at_0004.sample()[SOURCE].uses == 0
