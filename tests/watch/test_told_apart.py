"""What is no use is told apart from use, and live columns from those that go."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from membership_refactor.database import libpq_url, of_the_wheel, on_this_machine
from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.report.read_page import read_page
from tests.fixtures.watched import DEPRECATED, RETIRED, SOURCE, Watched, WatchedAt

T, C, R = "programme_membership", "curriculum_membership", "programme_membership_retired"


def uses(watched: Watched) -> dict[str, int]:
    return {target: outcome.uses for target, outcome in watched.sample().items()}


def explained(watched: Watched) -> object:
    return watched.chain.query("SELECT target, statement, why FROM public_refactor.usage")


@pytest.fixture
def at_0004(watched_at: WatchedAt) -> Watched:
    watched = watched_at("0004")
    watched.sample()
    return watched


@pytest.fixture
def at_0008(watched_at: WatchedAt) -> Watched:
    watched = watched_at("0008")
    watched.sample()
    return watched


def dump(watched: Watched, *options: str) -> None:
    version = watched.server.server.version
    every = [*on_this_machine(), *filter(None, [of_the_wheel()])]
    program = next(b for b in every if b.version[0] == version // 10000).program("pg_dump")
    line = [str(program), *options, "-f", "/dev/null", libpq_url(watched.chain.url)]
    subprocess.run(line, check=True)


NO_USE: dict[str, Callable[[Watched], object]] = {
    "pg_dump": dump,
    "pg_dump of the structure": lambda w: dump(w, "-s"),
    "verify": lambda w: verify_all(w.chain.runner(), workers=1),
    "a report": lambda w: read_page(w.chain.runner(), {}, count_keys=True),
    "VACUUM and ANALYZE": lambda w: w.run(f"VACUUM ANALYZE {T}", f"VACUUM ANALYZE {C}"),
    "REINDEX": lambda w: w.run(f"REINDEX TABLE {T}"),
    "an index": lambda w: w.run(f"CREATE INDEX i ON {T} (rotation)"),
    "a change of the structure": lambda w: w.run(
        f"ALTER TABLE {T} ALTER COLUMN rotation SET STATISTICS 50"),
    "a grant": lambda w: w.run(f"GRANT SELECT ON {T} TO pg_monitor"),
    "a check of a foreign key": lambda w: w.run("DELETE FROM person WHERE id = -77"),
    "a cascade to rows that are not there": lambda w: w.run(
        "UPDATE curriculum SET id = id WHERE id = 1"),
    "reading the structure's portrait": lambda w: w.chain.portrait(),
    "a write of live columns of the copy, carried by the tool": lambda w: w.run(
        f"UPDATE {C} SET curriculum_end_date = '2030-01-01' WHERE id = 2"),
    "a delete of a row of the copy, carried by the tool": lambda w: w.run(
        f"DELETE FROM {C} WHERE id = 4"),
    "a table of that name in another schema": lambda w: w.run(
        f"CREATE SCHEMA other; CREATE TABLE other.{T} (x int); SELECT FROM other.{T}"),
    "the name in a string": lambda w: w.run(f"SELECT '{T}'"),
    "an alias of that name": lambda w: w.run(f"SELECT {T}.id FROM person AS {T}"),
}  # fmt: skip


@pytest.mark.parametrize("what", NO_USE)
def test_no_use(what: str, at_0004: Watched) -> None:
    at_0004.sample()
    at_0004.sample()
    NO_USE[what](at_0004)
    for _ in range(3):
        found = at_0004.sample()
        assert found[SOURCE].holes == ()
        assert (found[SOURCE].uses, found[DEPRECATED].uses) == (0, 0), explained(at_0004)


def test_a_report_by_a_login_that_is_not_the_tools_reads_no_table(at_0004: Watched) -> None:
    at_0004.run(
        "DO $$ BEGIN CREATE ROLE looker LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "GRANT pg_read_all_data TO looker",
    )
    at_0004.sample()
    url = make_url(at_0004.chain.url).set(username="looker").render_as_string(False)
    found = read_page(replace(at_0004.chain, url=url).runner(), {}, count_keys=True)
    assert [table.exact for table in found.tables] == [False, False]
    assert found.key is None and "use of the old structure" in found.why_no_key
    after = at_0004.sample()
    assert (after[SOURCE].uses, after[DEPRECATED].uses) == (0, 0), explained(at_0004)


def test_a_step_of_the_tool_is_no_use(watched_at: WatchedAt) -> None:
    watched = watched_at("0004")
    watched.sample()
    for revision in ("0005", "0006", "0007", "0008", "0009"):
        watched.chain.up(revision)
        found = uses(watched)
        assert set(found.values()) == {0}, (revision, explained(watched))


LIVE = {
    "the parent's columns": f"SELECT person_id, programme_id FROM {T}",
    "the child's own columns": f"SELECT id, curriculum_id, programme_membership_uuid FROM {C}",
    "a join of both": f"SELECT c.id, p.person_id, p.rotation FROM {C} c JOIN {T} p "
                      "ON p.uuid = c.programme_membership_uuid",
    "a count": f"SELECT count(*) FROM {C}",
    "everything of the parent": f"SELECT * FROM {T}",
    "a column of another table": "SELECT rotation_id FROM (SELECT 1 AS rotation_id) x, "
                                 f"(SELECT id FROM {C}) y",
    "a write of the child's own column": f"UPDATE {C} SET period_of_grace = 1 WHERE id = 2",
    "a write of the parent": f"UPDATE {T} SET rotation = 'n' WHERE person_id = 1",
}  # fmt: skip


@pytest.mark.parametrize("what", LIVE)
def test_what_goes_on_to_live_is_no_use(what: str, at_0008: Watched) -> None:
    at_0008.run(LIVE[what])
    assert uses(at_0008) == {RETIRED: 0, DEPRECATED: 0}, explained(at_0008)


GOING = {
    "a deprecated column": f"SELECT person_id FROM {C}",
    "a deprecated column in a condition": f"SELECT id FROM {C} WHERE rotation = 'x'",
    "a star": f"SELECT * FROM {C}",
    "a whole row": f"SELECT c FROM {C} c",
    "a write of a deprecated column": f"UPDATE {C} SET rotation = 'x' WHERE id = 2",
    "RETURNING": f"UPDATE {C} SET period_of_grace = 2 WHERE id = 2 RETURNING *",
    "COPY of the whole table": f"COPY {C} TO '/dev/null'",
    "a sort": f"SELECT id FROM {C} ORDER BY programme_start_date",
}


@pytest.mark.parametrize("what", GOING)
def test_what_goes_is_a_use(what: str, at_0008: Watched) -> None:
    at_0008.run(GOING[what])
    assert uses(at_0008) == {RETIRED: 0, DEPRECATED: 1}, explained(at_0008)


def test_the_archive_is_found_under_the_name_of_its_first_reader(watched_at: WatchedAt) -> None:
    """Before 18 the text of a statement is that of its first run, before the table was renamed."""
    watched = watched_at("0004")
    watched.sample()
    watched.run(f"SELECT rotation FROM {T}")
    watched.sample()
    for revision in ("0005", "0006", "0007", "0008"):
        watched.chain.up(revision)
    watched.sample()
    watched.run(f"SELECT rotation FROM {R}")
    assert uses(watched)[RETIRED] == 1


def test_the_parent_is_not_taken_for_the_archive(watched_at: WatchedAt) -> None:
    watched = watched_at("0004")
    watched.sample()
    watched.run(f"SELECT rotation FROM {T}")
    for revision in ("0005", "0006", "0007", "0008"):
        watched.chain.up(revision)
    watched.sample()
    watched.run(f"SELECT rotation FROM {T}")
    found = uses(watched)
    assert found[DEPRECATED] == 0
    assert found[RETIRED] == 0, explained(watched)


def test_an_application_that_copies_as_pg_dump_does_is_a_use(at_0004: Watched) -> None:
    columns = ", ".join(at_0004.chain.columns(T))
    statement = f"COPY public.{T} ({columns}) TO stdout".encode()
    with at_0004.connect() as connection, connection.cursor().copy(statement) as copy:
        list(copy)
    assert uses(at_0004)[SOURCE] == 1
