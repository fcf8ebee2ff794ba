"""The optional chain as people run it: `alembic -n several_keys`, and its scripts with psql."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import inspect

from membership_refactor.execution.tenant_lock import alone
from tests.cli.processes import alembic, query, until
from tests.enrollment.tables import PROGRAMS, constrained, enrol, opened, run
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import Stage
from tests.offline.scripts import psql, run_psql

VERSION = "SELECT version_num FROM alembic_version_several_keys"
KEYS = (
    "SELECT k.enrollment_id, i.external_key, k.own FROM enrollment_key AS k"
    " JOIN external_identity AS i ON i.id = k.identity_id ORDER BY 1, 2"
)
STRUCTURE = """
SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint AS c
WHERE c.connamespace = 'public'::regnamespace AND c.conname NOT LIKE 'alembic%'
UNION ALL
SELECT indexrelid::regclass::text, indisvalid::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid::regclass::text !~ '^(pg_|alembic|information)'
UNION ALL
SELECT tgrelid::regclass::text, tgenabled::text, pg_get_triggerdef(oid) FROM pg_trigger
WHERE NOT tgisinternal
UNION ALL
SELECT p.proname, p.proacl::text, p.prosrc FROM pg_proc AS p
WHERE p.pronamespace = 'public'::regnamespace
ORDER BY 1, 2, 3
"""
ON = ("-n", "several_keys")


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    """The constraints stand; two enrollments have keys, one has none."""

    def build(url: str) -> None:
        constrained(url)
        with opened(url) as engine, engine.begin() as connection:
            enrol(connection, 1, "a")
            enrol(connection, None, "it's \\b", program=PROGRAMS[1])
            enrol(connection, 3, None)

    return template_database("enrollment with some keys", build)


def structure(url: str) -> list[tuple[object, ...]]:
    return query(url, STRUCTURE)


def script(url: str, *verb: str) -> str:
    printed = alembic("-q", *ON, *verb, "--sql", url=url)
    assert printed.status == 0, printed.err + printed.out
    return printed.out


def test_it_goes_up_and_down_by_alembic_and_keeps_one_head_each(url: str) -> None:
    before = structure(url)
    up = alembic(*ON, "upgrade", "head", url=url)
    assert up.status == 0, up.err + up.out
    assert query(url, VERSION) == [("k001",)]
    assert [key[1:] for key in query(url, KEYS)] == [("a", True), ("it's \\b", True)]
    assert alembic(*ON, "heads", url=url).out.strip() == "k001 (head)"
    assert alembic(*ON, "current", url=url).out.strip() == "k001 (head)"
    assert alembic("heads", url=url).out.strip() == "0011 (head)"
    again = alembic(*ON, "upgrade", "head", url=url)
    assert again.status == 0, again.err
    down = alembic(*ON, "downgrade", "base", url=url)
    assert down.status == 0, down.err + down.out
    assert query(url, VERSION) == []
    assert structure(url) == before


def test_its_scripts_do_the_same_and_alembic_takes_over_from_them(url: str) -> None:
    before = structure(url)
    run_psql(url, script(url, "upgrade", "head")).fine()
    made, keys = structure(url), query(url, KEYS)
    assert query(url, VERSION) == [("k001",)]
    assert alembic(*ON, "downgrade", "base", url=url).status == 0
    assert structure(url) == before
    assert alembic(*ON, "upgrade", "head", url=url).status == 0
    assert structure(url) == made
    assert [key[1:] for key in query(url, KEYS)] == [key[1:] for key in keys]
    run_psql(url, script(url, "downgrade", "k001:base")).fine()
    assert query(url, VERSION) == []
    assert structure(url) == before


def test_its_script_stops_where_a_further_key_would_be_lost(url: str) -> None:
    assert alembic(*ON, "upgrade", "head", url=url).status == 0
    with opened(url) as engine, engine.begin() as connection:
        run(connection, "INSERT INTO external_identity (authority_id, external_key) SELECT id, 'x'"
            " FROM key_authority")  # fmt: skip
        run(connection, "INSERT INTO enrollment_key (enrollment_id, identity_id, program_uuid,"
            " curriculum_uuid) SELECT e.id, i.id, e.program_uuid, e.curriculum_uuid FROM"
            " program_enrollment AS e, external_identity AS i WHERE e.user_id = 1 AND"
            " i.external_key = 'x'")  # fmt: skip
    made = structure(url)
    run_psql(url, script(url, "downgrade", "k001:base")).stopped("own key of an enrollment")
    assert structure(url) == made
    refused = alembic(*ON, "downgrade", "base", url=url)
    assert refused.status == 255
    assert "no further keys" in refused.said


def test_its_script_stops_where_the_constraints_do_not_stand(url: str) -> None:
    text = script(url, "upgrade", "head")
    with opened(url) as engine, engine.begin() as connection:
        run(connection, "ALTER TABLE program_enrollment DROP CONSTRAINT uq_program_enrollment_key")
    run_psql(url, text).stopped("missing or not valid")
    with opened(url) as engine:
        assert "enrollment_key" not in inspect(engine).get_table_names()


def up_to_the_lock(url: str) -> str:
    """The script has run until it asks for its short lock; the rest of it."""
    text = script(url, "upgrade", "head")
    at = text.rindex("\nDO $", 0, text.index("LOCK TABLE"))
    run_psql(url, text[:at]).fine()
    return "\\set ON_ERROR_STOP on\n" + text[at:]


WAITING = (
    "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'program_enrollment'::regclass"
    " AND NOT granted AND mode = 'ShareRowExclusiveLock'"
)


def test_its_script_asks_again_for_its_lock_and_takes_the_newest_key(
    url: str, on_stage: Callable[[str], Stage]
) -> None:
    rest, stage = up_to_the_lock(url), on_stage(url)
    writer = stage.session("writer")
    writer.begin()
    writer.run("UPDATE program_enrollment SET external_user_key = 'new' WHERE user_id = 1")
    with psql(url, rest) as process:
        until(lambda: stage.query(WAITING) == [(True,)])
        # Whoever queues behind it goes on as soon as it gives up.
        stage.session("other").run(
            "UPDATE program_enrollment SET status = 'ended' WHERE user_id = 3"
        )
        writer.commit()
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert [key[1:] for key in query(url, KEYS)] == [("new", True), ("it's \\b", True)]


def test_a_script_that_was_killed_is_taken_up_by_alembic(
    url: str, on_stage: Callable[[str], Stage]
) -> None:
    rest, stage = up_to_the_lock(url), on_stage(url)
    writer = stage.session("writer")
    writer.begin()
    writer.run("UPDATE program_enrollment SET status = 'ended' WHERE user_id = 1")
    with psql(url, rest):
        until(lambda: stage.query(WAITING) == [(True,)])
        stage.query(
            "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE datname ="
            " current_database() AND application_name = 'psql'"
        )
    writer.commit()
    assert alembic(*ON, "upgrade", "head", url=url).status == 0
    assert [key[1:] for key in query(url, KEYS)] == [("a", True), ("it's \\b", True)]


def test_it_waits_for_no_other_migration_of_the_schema_and_says_so(url: str) -> None:
    text = script(url, "upgrade", "head")
    with opened(url) as engine, alone(engine, "public", label="test"):
        run_psql(url, text).stopped('another migration of schema "public" is running')
        refused = alembic(*ON, "upgrade", "head", url=url)
        assert refused.status == 255
        assert 'another migration of schema "public" is running' in refused.said
        assert alembic(*ON, "current", url=url).status == 0
        # Another tenant's is nobody's business.
        with engine.begin() as connection:
            run(connection, "CREATE SCHEMA other")
        other = alembic("-x", "schema=other", *ON, "upgrade", "head", url=url)
        assert "another migration" not in other.out + other.err
    assert alembic(*ON, "upgrade", "head", url=url).status == 0
