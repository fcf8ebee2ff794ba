"""A pass is not made again where no row has changed since; whatever has changed is looked at,
however it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from membership_refactor.checks.check import Check, passes
from membership_refactor.checks.parents import (
    keys_are_unique,
    parallel_checks,
    parents_have_children,
)
from membership_refactor.database import libpq_url
from membership_refactor.errors import CheckFailed
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.run_checks import require
from membership_refactor.execution.sessions import become
from membership_refactor.inspect.checks import StandingChecks
from membership_refactor.sql.ledger.proofs import Proofs
from membership_refactor.sql.quoting import ident
from membership_refactor.steps import copy_table
from membership_refactor.steps.step import Direction
from tests.chain.driver import Chain, build, insert
from tests.chain.fixed import fill
from tests.chain.subjects import COMPOSITE, MEMBERSHIP, ODD
from tests.fixtures.chains import ChainAt
from tests.fixtures.steps import STEPS
from tests.inspect.tables import odd_rows, tamper

CM, PM = "public.curriculum_membership", "public.programme_membership"
UNCHANGED = "no row has changed since"


def asked(chain: Chain, step: str) -> tuple[Check, ...]:
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        s = chain.runner().situation(pg)
    if step == "0008":
        return parallel_checks(s.names, s.child("link_children"))
    return copy_table.after_up(s)


def ask(chain: Chain, checks: tuple[Check, ...], *, role: str | None = None) -> str:
    """What is said of the checks. CheckFailed where one does not hold."""
    out, runner = StringIO(), chain.runner()
    with runner.sessions("test").open() as pg:
        if role is not None:
            become(pg, role)
        require(
            pg,
            checks,
            ledger=runner.ledger,
            progress=Progress(out),
            step="copy_table",
            direction=Direction.UP,
        )
    return out.getvalue()


def taken_over(said: str) -> bool:
    return "proved by" in said


ONE = f"SELECT * FROM {PM} ORDER BY id LIMIT 1"
WAYS = {
    "the copy is written": ("0004", f"UPDATE {CM} SET rotation_id = 2 WHERE id = 0"),
    "the source is written": ("0004", f"UPDATE {PM} SET rotation_id = 2 WHERE id = 0"),
    "a row of the copy goes": ("0004", f"DELETE FROM {CM} WHERE id = 0"),
    "a row of the source goes": ("0004", f"DELETE FROM {PM} WHERE id = 0"),
    "one row goes from each side": (
        "0004",
        f"DELETE FROM {PM} WHERE id = 0; DELETE FROM {CM} WHERE id = 2",
    ),
    "a row goes, and another comes": (
        "0004",
        f"CREATE TEMP TABLE one AS {ONE}; DELETE FROM {PM} WHERE id = (SELECT id FROM one); "
        f"UPDATE one SET id = 990; INSERT INTO {PM} OVERRIDING SYSTEM VALUE SELECT * FROM one",
    ),
    "a row comes": (
        "0004",
        f"INSERT INTO {PM} (person_id, programme_id, curriculum_id) VALUES (1, 1, 1)",
    ),
    "a link": (
        "0004",
        f"UPDATE {CM} SET programme_membership_uuid = gen_random_uuid() WHERE id = 2",
    ),
    "TRUNCATE": ("0004", f"TRUNCATE {CM}"),
    "TRUNCATE, and most rows again": (
        "0004",
        f"CREATE TEMP TABLE kept AS SELECT * FROM {CM} WHERE id > 0; TRUNCATE {CM}; "
        f"INSERT INTO {CM} OVERRIDING SYSTEM VALUE SELECT * FROM kept",
    ),
    "a column dropped and added with another value": (
        "0004",
        f"ALTER TABLE {CM} DROP COLUMN intrepid_id; "
        f"ALTER TABLE {CM} ADD COLUMN intrepid_id text DEFAULT 'x'",
    ),
    "a table that inherits": (
        "0004",
        f"CREATE TABLE public.more (LIKE {CM}); INSERT INTO public.more SELECT * FROM {CM} "
        f"LIMIT 1; UPDATE public.more SET id = 990; ALTER TABLE public.more INHERIT {CM}",
    ),
    "a value of a child": ("0008", f"UPDATE {CM} SET rotation_id = 2 WHERE id = 0"),
    "a value of a parent": ("0008", f"UPDATE {PM} SET rotation = 'x' WHERE person_id = 2"),
    "a key of a child": ("0008", f"UPDATE {CM} SET programme_end_date = NULL WHERE id = 0"),
    "a parent goes": ("0008", f"DELETE FROM {PM} WHERE person_id = 2"),
    "a parent gets another uuid": (
        "0008",
        f"UPDATE {PM} SET uuid = gen_random_uuid() WHERE person_id = 2",
    ),
    "children go": ("0008", f"DELETE FROM {CM} WHERE person_id = 2"),
    "a child moves": (
        "0008",
        f"UPDATE {CM} SET programme_membership_uuid = (SELECT uuid FROM {PM} WHERE person_id = 2 "
        "LIMIT 1) WHERE id = 0",
    ),
    "a child without a link": (
        "0008",
        f"ALTER TABLE {CM} ALTER programme_membership_uuid DROP NOT NULL; "
        f"UPDATE {CM} SET programme_membership_uuid = NULL WHERE id = 0",
    ),
    "a key twice": (
        "0008",
        f"ALTER TABLE {PM} DROP CONSTRAINT uq_programme_membership_key; INSERT INTO {PM} "
        f"(uuid, person_id, programme_id, rotation) SELECT gen_random_uuid(), person_id, "
        f"programme_id, rotation FROM {PM} WHERE num_nulls(programme_membership_type, "
        "programme_start_date, programme_end_date) = 3",
    ),
    "no children are left": ("0008", f"TRUNCATE {CM}"),
}
"""At which revision, and what is written while every trigger is off; they are on again later."""


@pytest.mark.parametrize("way", WAYS)
def test_whatever_is_written_past_capture_is_found(way: str, chain_at: ChainAt) -> None:
    revision, text = WAYS[way]
    chain = chain_at(revision)
    checks = asked(chain, revision)
    assert not taken_over(ask(chain, checks)), "the proofs of a template hold in no copy of it"
    assert ask(chain, checks).count(UNCHANGED) == len(checks)
    tamper(chain, text)
    with pytest.raises(CheckFailed):
        ask(chain, checks)


def test_a_bulk_load_that_switched_triggers_off_is_found(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    checks = asked(chain, "0004")
    ask(chain, checks)
    columns = "id, person_id, programme_id, curriculum_id, amended_date"
    with psycopg.connect(libpq_url(chain.url)) as pg:
        pg.execute("SET session_replication_role = replica")
        pg.execute(f"ALTER TABLE {PM} DISABLE TRIGGER USER".encode())
        with pg.cursor().copy(f"COPY {PM} ({columns}) FROM STDIN".encode()) as copy:
            copy.write_row((990, 1, 1, 1, "2024-01-01"))
    with pytest.raises(CheckFailed, match="first keys: 990"):
        ask(chain, checks)


@pytest.mark.parametrize("within", ["a transaction", "a savepoint", "an older transaction"])
def test_what_an_open_transaction_has_written_is_new_when_it_commits(
    within: str, chain_at: ChainAt
) -> None:
    """Its id is lower than others of the pass, and the pass did not see it."""
    chain = chain_at("0004")
    checks = asked(chain, "0004")
    with psycopg.connect(libpq_url(chain.url)) as pg:
        pg.execute(f"ALTER TABLE {CM} DISABLE TRIGGER USER".encode())
        if within == "an older transaction":
            pg.execute("SELECT pg_current_xact_id()")
            for n in range(3):
                chain.run(f"CREATE TABLE public.later_{n} ()")
        if within == "a savepoint":
            pg.execute("SAVEPOINT one")
        pg.execute(f"UPDATE {CM} SET rotation_id = 2 WHERE id = 0".encode())
        ask(chain, checks)
        assert UNCHANGED in ask(chain, checks)
    with pytest.raises(CheckFailed, match="copy is exact"):
        ask(chain, checks)


def test_a_prepared_transaction_is_new_when_it_commits(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    if chain.value("SHOW max_prepared_transactions") == "0":
        pytest.skip("the server prepares no transactions")
    checks = asked(chain, "0004")
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        pg.execute(f"ALTER TABLE {CM} DISABLE TRIGGER USER".encode())
        pg.execute("BEGIN")
        pg.execute(f"UPDATE {CM} SET rotation_id = 2 WHERE id = 0".encode())
        pg.execute("PREPARE TRANSACTION 'of a proof'")
        ask(chain, checks)
        assert UNCHANGED in ask(chain, checks)
        pg.execute("COMMIT PREPARED 'of a proof'")
    with pytest.raises(CheckFailed, match="copy is exact"):
        ask(chain, checks)


@pytest.mark.parametrize("revision", ["0004", "0008"])
def test_rows_that_capture_has_kept_are_looked_at_alone(revision: str, chain_at: ChainAt) -> None:
    chain = chain_at(revision)
    checks = asked(chain, revision)
    ask(chain, checks)
    chain.run(f"UPDATE {CM} SET rotation_id = 2 WHERE id IN (0, 2)")
    chain.run(f"DELETE FROM {CM} WHERE id = 4")
    said = ask(chain, checks)
    assert re.search(r"proved by 0003; [1-9]\d* changed since and were looked at again", said)
    assert all(taken_over(line) for line in said.splitlines())
    assert ask(chain, checks).count(UNCHANGED) == len(checks), "what was looked at again is proved"
    tamper(chain, f"UPDATE {CM} SET training_pathway = 'other' WHERE id = 0")
    with pytest.raises(CheckFailed):
        ask(chain, checks)


SUBJECTS = {
    "odd names": (ODD, insert(ODD, odd_rows())),
    "two ids": (COMPOSITE, fill),
}


@pytest.mark.parametrize("named", SUBJECTS)
@pytest.mark.parametrize("revision", ["0004", "0008"])
def test_any_plan_takes_over_and_finds(named: str, revision: str, chain_at: ChainAt) -> None:
    subject, rows = SUBJECTS[named]
    chain = chain_at(revision, subject=subject, name=f"proofs {named}", first=build(subject, rows))
    checks = asked(chain, revision)
    ask(chain, checks)
    assert ask(chain, checks).count(UNCHANGED) == len(checks)
    child, id, value = chain.names.child, chain.names.id, ident(subject.plan.parent_values[0])
    ids = id.listed("")
    one = f"({ids}) = (SELECT {ids} FROM {child} ORDER BY {ids} LIMIT 1)"
    tamper(chain, f"UPDATE {child} SET {value} = {value} WHERE {one}")
    assert "looked at again" in ask(chain, checks)
    tamper(chain, f"UPDATE {child} SET {ident(subject.plan.link)} = gen_random_uuid() WHERE {one}")
    with pytest.raises(CheckFailed):
        ask(chain, checks)


@pytest.mark.parametrize(
    "text",
    ["VACUUM (FULL) {0}", "VACUUM (FREEZE) {0}", "CLUSTER {0} USING {1}", "ANALYZE {0}"],
)
def test_what_moves_rows_and_changes_none_keeps_the_proof(text: str, chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    checks = asked(chain, "0004")
    ask(chain, checks)
    index = chain.value(f"SELECT min(indexrelid::regclass::text) FROM pg_index "
                        f"WHERE indrelid = '{CM}'::regclass AND indisprimary")  # fmt: skip
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        pg.execute(text.format(CM, index).encode())
    assert ask(chain, checks).count(UNCHANGED) == len(checks)


FOREIGN = {
    "the cluster's ids are behind": (
        "UPDATE public_refactor.proof SET snapshot = (snapshot::text::int8 + 100000)::text::xid8"
    ),
    "another table of the same name": (
        f"ALTER TABLE {CM} RENAME TO away; CREATE TABLE {CM} (LIKE public.away INCLUDING ALL); "
        f"INSERT INTO {CM} SELECT * FROM public.away"
    ),
    "another query": "UPDATE public_refactor.proof SET digest = 'x'",
    "another cluster or database": (
        "UPDATE public_refactor.proof SET tables = "
        'replace(tables::text, \'"standing": "\', \'"standing": "x\')::jsonb'
    ),
    "rows that no one counted": (
        "UPDATE public_refactor.proof SET tables = replace(tables::text, '\"rows\": ', "
        "'\"rows\": 1')::jsonb; "
        f"UPDATE {CM} SET rotation_id = rotation_id"
    ),
    "no proof": "DELETE FROM public_refactor.proof",
    "one proof of two": "DELETE FROM public_refactor.proof WHERE name = 'copy is exact'",
    "proofs of two passes": (
        "UPDATE public_refactor.proof SET snapshot = (snapshot::text::int8 - 1)::text::xid8 "
        "WHERE name = 'copy is exact'"
    ),
}


@pytest.mark.parametrize("change", FOREIGN)
def test_in_doubt_the_whole_pass_runs(change: str, chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    checks = asked(chain, "0004")
    ask(chain, checks)
    chain.run(FOREIGN[change])
    said = ask(chain, checks)
    assert UNCHANGED not in said
    if "no one counted" not in change:
        assert not taken_over(said)


def test_most_rows_changed_are_one_pass(chain_at: ChainAt) -> None:
    """More than a tenth, and more than a thousand."""
    chain = chain_at("0004")
    checks = asked(chain, "0004")
    chain.run(
        f"INSERT INTO {PM} (person_id, programme_id, curriculum_id) "
        "SELECT 1, 1, 1 FROM generate_series(1, 1200)"
    )
    ask(chain, checks)
    chain.run(f"UPDATE {PM} SET rotation_id = 1")
    assert not taken_over(ask(chain, checks))


def test_a_row_without_the_id_of_its_transaction_is_looked_at(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    if not chain.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_surgery'"):
        pytest.skip("this PostgreSQL has no pg_surgery")
    checks = asked(chain, "0004")
    ask(chain, checks)
    tamper(chain, f"UPDATE {CM} SET rotation_id = 2 WHERE id = 0")
    chain.run(
        "CREATE EXTENSION pg_surgery",
        f"SELECT heap_force_freeze('{CM}'::regclass, ARRAY(SELECT ctid FROM {CM} WHERE id = 0))",
    )
    assert chain.value(f"SELECT xmin FROM {CM} WHERE id = 0") == "2"
    with pytest.raises(CheckFailed, match="copy is exact"):
        ask(chain, checks)


def test_a_change_that_an_open_transaction_makes_beside_is_looked_at_when_it_commits(
    chain_at: ChainAt,
) -> None:
    """The proof is made anew beside a transaction with a lower id."""
    chain = chain_at("0004")
    checks = asked(chain, "0004")
    ask(chain, checks)
    chain.run(f"UPDATE {PM} SET rotation_id = 2 WHERE id = 2")
    with psycopg.connect(libpq_url(chain.url)) as pg:
        pg.execute(f"ALTER TABLE {CM} DISABLE TRIGGER USER".encode())
        pg.execute(f"UPDATE {CM} SET rotation_id = 2 WHERE id = 0".encode())
        chain.run("CREATE TABLE public.later ()")
        assert "looked at again" in ask(chain, checks)
    with pytest.raises(CheckFailed, match="copy is exact"):
        ask(chain, checks)


def outside_of_init_plans(node: dict[str, Any]) -> Iterator[str]:
    """The aliases of what is read there, but for what is made once, before the rest."""
    if "Alias" in node:
        yield str(node["Alias"])
    for part in node.get("Plans", ()):
        if part["Parent Relationship"] != "InitPlan":
            yield from outside_of_init_plans(part)


def test_parallel_workers_do_not_each_make_the_list_of_repeated_keys(chain_at: ChainAt) -> None:
    chain = chain_at("0008")
    query = keys_are_unique(chain.names).counted
    with psycopg.connect(libpq_url(chain.url)) as pg:
        for name in ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size"):
            pg.execute(f"SET {name} = 0".encode())
        row = pg.execute(f"EXPLAIN (FORMAT JSON) {query}".encode()).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    assert any(node["Node Type"].startswith("Gather") for node in walk(plan))
    read = list(outside_of_init_plans(plan))
    assert "p" in read and "q" not in read


def nested(node: dict[str, Any], tables: set[str]) -> Iterator[str]:
    """The inner sides of nested loops that read a table or a list whole, for each outer row."""
    if node["Node Type"] == "Nested Loop":
        inner = node["Plans"][1]
        yield from (
            str(part.get("Relation Name") or part.get("CTE Name"))
            for part in walk(inner)
            if part["Node Type"] in ("Seq Scan", "CTE Scan")
            and {part.get("Relation Name"), part.get("CTE Name")} & tables
        )
    for part in node.get("Plans", ()):
        yield from nested(part, tables)


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from walk(part)


@pytest.mark.parametrize("revision", ["0004", "0008"])
def test_what_has_changed_is_looked_at_in_linear_time(revision: str, chain_at: ChainAt) -> None:
    """A plan that compared each changed row with each row took minutes for 200,000 rows."""
    chain = chain_at(revision)
    table = CM if revision == "0008" else PM
    columns = "person_id, programme_id, curriculum_id, programme_start_date"
    chain.run(
        f"INSERT INTO {table} ({columns}) SELECT 1, 1, 1, date '2030-01-01' + n "
        "FROM generate_series(1, 3000) AS n"
    )
    checks = asked(chain, revision)
    ask(chain, checks)
    chain.run(
        f"UPDATE {CM} SET rotation_id = 2 WHERE id % 60 = 0", f"ANALYZE {CM}", f"ANALYZE {PM}"
    )
    proofs = Proofs(chain.names.ledger, chain.plan.name)
    tables = {"changed", "curriculum_membership", "programme_membership"}
    with chain.runner().sessions("test").open() as pg:
        for together in passes(checks):
            named = [(c.name, c.scan) for c in together if c.scan is not None]
            text = f"EXPLAIN (FORMAT JSON) {proofs.kept(named, 6000)}"
            plan = pg.execute(text.encode()).fetchall()[0][0][0]["Plan"]
            assert "changed" in str(plan)
            assert list(nested(plan, tables)) == []
    said = ask(chain, checks)
    assert all(taken_over(line) for line in said.splitlines())
    assert "looked at again" in said


def test_a_person_who_asks_gets_the_whole_pass(chain_at: ChainAt) -> None:
    """Even a proof that claims everything is not asked by `checks` and `verify`."""
    chain = chain_at("0004")
    checks = asked(chain, "0004")
    ask(chain, checks)
    tamper(chain, f"UPDATE {CM} SET rotation_id = 2 WHERE id = 0")
    chain.run(
        "UPDATE public_refactor.proof SET snapshot = "
        "pg_snapshot_xmin(pg_current_snapshot())::text::xid8"
    )
    chain.run("CREATE TABLE public.later ()")  # the ids go on
    assert UNCHANGED in ask(chain, checks), "the forged proof is not one"
    standing = StandingChecks(chain.runner(), models=lambda _: ())
    found = {q.name: q.ask() for q in standing.chosen(["copy is exact"])}
    assert found["copy is exact"].broken == 1


def test_a_login_that_may_not_ask_for_the_cluster_makes_every_pass(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    checks = asked(chain, "0004")
    chain.run("CREATE ROLE own_tables_only")
    try:
        for table in (PM, CM, "public_refactor.proof", "public_refactor.check_result"):
            chain.run(f"GRANT ALL ON {table} TO own_tables_only")
        chain.run(
            "GRANT USAGE ON SCHEMA public_refactor TO own_tables_only",
            "GRANT ALL ON ALL TABLES IN SCHEMA public_refactor TO own_tables_only",
            "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public_refactor TO own_tables_only",
            "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
        )
        for _ in range(2):
            assert not taken_over(ask(chain, checks, role="own_tables_only"))
        assert chain.value("SELECT count(*) FROM public_refactor.check_result WHERE broken = 0") > 2
    finally:
        chain.run("DROP OWNED BY own_tables_only", "DROP ROLE own_tables_only")


def test_the_chain_takes_over_at_each_step_what_the_one_before_has_proved(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0002")
    said: dict[str, str] = {}
    for revision in MEMBERSHIP.revisions:
        if revision > "0010":
            break
        out, runner = StringIO(), chain.runner()
        runner.progress = Progress(out)
        runner.upgrade(STEPS[revision].name)
        said[revision] = out.getvalue()
    for revision, by in (("0005", "0003"), ("0009", "0008"), ("0010", "0008")):
        assert f"(proved by {by}, and {UNCHANGED})" in said[revision], said[revision]
    # This step has written values of parents.
    assert "no two parents have the same key (proved by 0007; " in said["0008"]
    for revision in ("0003", "0004", "0006", "0007"):
        assert not taken_over(said[revision])


def test_a_downgrade_takes_over_too(chain_at: ChainAt) -> None:
    chain = chain_at("0008")
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        s = chain.runner().situation(pg)
    checks = (parents_have_children(s.names),)
    ask(chain, checks)
    assert UNCHANGED in ask(chain, checks)
    chain.run(f"INSERT INTO {PM} (uuid, person_id, programme_id) VALUES (gen_random_uuid(), 3, 2)")
    with pytest.raises(CheckFailed, match="parents have children"):
        ask(chain, checks)


def test_a_copy_of_the_database_proves_everything_itself(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    checks = asked(chain, "0004")
    ask(chain, checks)
    name = chain.value("SELECT current_database()")
    admin = make_conninfo(libpq_url(chain.url), dbname="postgres")
    with psycopg.connect(admin, autocommit=True) as pg:
        pg.execute(f'CREATE DATABASE "{name}_two" TEMPLATE "{name}"'.encode())
        try:
            two = Chain(chain.url.replace(name, f"{name}_two"), MEMBERSHIP)
            assert not taken_over(ask(two, checks))
        finally:
            pg.execute(f'DROP DATABASE "{name}_two" WITH (FORCE)'.encode())
