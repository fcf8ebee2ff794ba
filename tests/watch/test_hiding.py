"""Ways in which a use of the old structure could hide: each is found, with the right role."""

from __future__ import annotations

import contextlib

import psycopg
import pytest

from tests.fixtures.watched import SOURCE, Watched, WatchedAt

T = "programme_membership"


@pytest.fixture
def at_0004(watched_at: WatchedAt) -> Watched:
    """Both tables, with a first sample and a reader's role."""
    return with_reader(watched_at("0004"))


def with_reader(watched: Watched) -> Watched:
    if not watched.chain.query("SELECT FROM pg_roles WHERE rolname = 'reader'"):
        watched.run("CREATE ROLE reader LOGIN")
    watched.run(
        "GRANT USAGE, CREATE ON SCHEMA public TO reader",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO reader",
    )
    watched.sample()
    return watched


SETUP_AND_USE = {
    "a plain read": ("", f"SELECT count(*) FROM {T}"),
    "a read of a quoted name": ("", f'SELECT count(*) FROM "{T}"'),
    "a read with its schema": ("", f"SELECT count(*) FROM public.{T}"),
    "a read in capitals": ("", f"SELECT COUNT(*) FROM {T.upper()}"),
    "a name in Unicode escapes": ("", 'SELECT count(*) FROM U&"programme\\005fmembership"'),
    "TABLE": ("", f"TABLE {T}"),
    "COPY of the table": ("", f"COPY {T} TO '/dev/null'"),
    "COPY of a query": ("", f"COPY (SELECT id FROM {T}) TO '/dev/null'"),
    "a subquery": ("", f"SELECT 1 WHERE EXISTS (SELECT FROM {T})"),
    "a common table expression": ("", f"WITH w AS (SELECT * FROM {T}) SELECT count(*) FROM w"),
    "a read-only transaction": ("", f"BEGIN READ ONLY; SELECT id FROM {T}; COMMIT"),
    "a transaction that is rolled back": ("", f"BEGIN; SELECT id FROM {T}; ROLLBACK"),
    "a cursor": ("", f"BEGIN; DECLARE c CURSOR FOR SELECT id FROM {T}; FETCH c; COMMIT"),
    "a prepared statement": ("", f"PREPARE p AS SELECT id FROM {T}; EXECUTE p"),
    "EXPLAIN ANALYZE": ("", f"EXPLAIN ANALYZE SELECT id FROM {T}"),
    "CREATE TABLE AS": ("", f"CREATE TEMP TABLE x AS SELECT * FROM {T}"),
    "an update": ("", f"UPDATE {T} SET rotation = 'x' WHERE id = 2"),
    "a delete of nothing": ("", f"DELETE FROM {T} WHERE false"),
    "a lock": ("", f"BEGIN; LOCK TABLE {T} IN SHARE MODE; COMMIT"),
    "a view": (f"CREATE VIEW v AS SELECT id FROM {T}", "SELECT * FROM v"),
    "a view over a view": (
        f"CREATE VIEW v AS SELECT id FROM {T}; CREATE VIEW w AS SELECT * FROM v",
        "SELECT * FROM w",
    ),
    "a function in PL/pgSQL": (
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS "
        f"$$ BEGIN RETURN (SELECT count(*) FROM {T}); END $$",
        "SELECT f()",
    ),
    "dynamic SQL in a function": (
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; "
        "BEGIN EXECUTE 'SELECT count(*) FROM programme' || '_membership' INTO n; RETURN n; END $$",
        "SELECT f()",
    ),
    "a function in SQL that becomes a part of the statement": (
        f"CREATE FUNCTION f() RETURNS SETOF bigint LANGUAGE sql STABLE AS 'SELECT id FROM {T}'",
        "SELECT * FROM f()",
    ),
    "a function with a parsed body": (
        f"CREATE FUNCTION f() RETURNS SETOF bigint STABLE BEGIN ATOMIC SELECT id FROM {T}; END",
        "SELECT * FROM f()",
    ),
    "a view over a function": (
        f"CREATE FUNCTION f() RETURNS SETOF bigint LANGUAGE sql STABLE AS 'SELECT id FROM {T}'; "
        "CREATE VIEW v AS SELECT * FROM f() AS x",
        "SELECT * FROM v",
    ),
    "a procedure": (
        f"CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN PERFORM FROM {T}; END $$",
        "CALL p()",
    ),
    "a block": ("", f"DO $$ BEGIN PERFORM FROM {T}; END $$"),
    "a trigger of another table": (
        "CREATE TABLE other (x int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM FROM {T}; RETURN NULL; END $$; CREATE TRIGGER t AFTER INSERT ON other "
        "FOR EACH ROW EXECUTE FUNCTION f(); GRANT ALL ON other TO reader",
        "INSERT INTO other VALUES (1)",
    ),
    "a policy of another table": (
        "CREATE TABLE other (x int); ALTER TABLE other ENABLE ROW LEVEL SECURITY; "
        f"CREATE POLICY p ON other USING (EXISTS (SELECT FROM {T})); GRANT ALL ON other TO reader",
        "SELECT * FROM other",
    ),
    "a rule of another table": (
        "CREATE TABLE other (x int); CREATE RULE r AS ON INSERT TO other DO ALSO "
        f"SELECT id FROM {T}; GRANT ALL ON other TO reader",
        "INSERT INTO other VALUES (1)",
    ),
    "a materialized view that is filled again": (
        f"CREATE MATERIALIZED VIEW m AS SELECT id FROM {T}; ALTER MATERIALIZED VIEW m OWNER TO "
        "reader",
        "REFRESH MATERIALIZED VIEW m",
    ),
    "a child of an inheritance": (
        f"CREATE TABLE other (x int); CREATE TABLE child () INHERITS (other); CREATE RULE r AS "
        f"ON INSERT TO child DO ALSO SELECT id FROM {T}; GRANT ALL ON child TO reader",
        "INSERT INTO child VALUES (1)",
    ),
}  # fmt: skip


def prepared(watched: Watched, setup: str, target: str = SOURCE) -> None:
    """Run the setup, after which the reader may use everything."""
    if setup:
        watched.run(setup, "GRANT ALL ON ALL TABLES IN SCHEMA public TO reader",
                    "GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO reader")  # fmt: skip
    watched.sample()
    assert watched.sample()[target].uses == 0, "the setup is counted as a use"


def found_once(watched: Watched, role: str, target: str = SOURCE) -> None:
    """Assert that the next sample shows a use by that role, and the one after it does not."""
    seen = watched.sample()[target]
    assert seen.uses >= 1
    assert role in seen.who
    assert watched.sample()[target].uses == 0, "one use is counted twice"


@pytest.mark.parametrize("way", SETUP_AND_USE)
def test_a_single_use_is_found_with_its_role(way: str, at_0004: Watched) -> None:
    setup, use = SETUP_AND_USE[way]
    prepared(at_0004, setup)
    superuser = "/dev/null" in use
    at_0004.run(use if superuser else f"SET ROLE reader; {use}")
    found_once(at_0004, "postgres" if superuser else "reader")


HIDDEN = {
    "a statement that is cancelled": f"SET statement_timeout = 50; SELECT pg_sleep(9) FROM {T}",
    "a statement that fails on a row": f"SELECT 1 / (id - id) FROM {T}",
    "a session that begins without statistics": f"SELECT id FROM {T}",
}


@pytest.mark.parametrize("way", HIDDEN)
def test_a_scan_that_no_statement_explains_is_a_hole(way: str, at_0004: Watched) -> None:
    quiet = "-c pg_stat_statements.track=none" if "session" in way else ""
    at_0004.sample()
    at_0004.sample()
    with contextlib.suppress(psycopg.Error), at_0004.connect(options=quiet) as connection:
        for text in HIDDEN[way].split("; "):
            connection.execute(text.encode())
    seen = at_0004.sample()[SOURCE]
    assert seen.uses == 0
    (hole,) = (h for h in seen.holes if f"{T} was scanned once by no statement that is known" in h)
    assert ("(last at " in hole) == (at_0004.server.server.version >= 160000)
    assert at_0004.sample()[SOURCE].holes == (), "the hole stays although it is over"


def test_a_scan_of_a_statement_that_is_known_is_no_hole(at_0004: Watched) -> None:
    at_0004.sample()
    with at_0004.connect() as slow:
        slow.execute("BEGIN")
        slow.execute(f"SELECT count(*) FROM {T}".encode())
        assert at_0004.sample()[SOURCE].uses == 1
        assert at_0004.sample()[SOURCE].holes == ()
        assert at_0004.sample()[SOURCE].holes == ()
        slow.execute("COMMIT")
    assert at_0004.sample()[SOURCE].holes == ()
