"""A real pgaudit: its records are a source that covers a structure alone, and what it misses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from time import monotonic

import psycopg
import pytest

from membership_refactor.database import LaunchedServer, on_this_machine
from membership_refactor.testing.scratch_databases import Databases
from membership_refactor.watch.log_files import read_new
from membership_refactor.watch.server_log import audits_sessions, read_records
from membership_refactor.watch.take_sample import Request
from tests.chain.driver import Chain
from tests.chain.fixed import FIXED, at
from tests.chain.subjects import MEMBERSHIP
from tests.fixtures.watched import (
    DEPRECATED,
    RETIRED,
    SOURCE,
    Watched,
    WatchedAt,
    launch_counting,
)
from tests.watch import test_hiding
from tests.watch.test_server_log import sample
from tests.watch.test_told_apart import GOING, LIVE, dump, explained

T, C = "programme_membership", "curriculum_membership"
ALL_TO_READER = "GRANT ALL ON ALL TABLES IN SCHEMA public TO reader"


def has_pgaudit() -> bool:
    binaries = next(iter(on_this_machine()), None)
    found = binaries and list(binaries.program("postgres").parents[1].glob("**/pgaudit.so"))
    return bool(found)


@dataclass
class Audited:
    """A server with pgaudit, and how it audits."""

    server: LaunchedServer
    databases: Databases
    pattern: str
    sessions: bool
    """Whether every statement is recorded, or only those on objects of pgaudit's role."""


@pytest.fixture(scope="module", params=["jsonlog", "csvlog"])
def audited(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Iterator[Audited]:
    """By objects into jsonlog, by sessions into csvlog."""
    if pytestconfig.getoption("--postgresql") == "wheel" or not has_pgaudit():
        pytest.skip("no pgaudit for this PostgreSQL: apt-get install postgresql-15-pgaudit")
    sessions = request.param == "csvlog"
    settings = {
        "logging_collector": "on",
        "log_destination": request.param,
        "shared_preload_libraries": "pg_stat_statements, pgaudit",
        **({"pgaudit.log": "read, write"} if sessions else {"pgaudit.role": "auditor"}),
    }
    with launch_counting(pytestconfig, settings) as server:
        pattern = f"{server.server.data}/log/*.{request.param.removesuffix('log')}"
        yield Audited(server, Databases(server.server), pattern, sessions)


@pytest.fixture
def watched_at(audited: Audited) -> Iterator[WatchedAt]:
    databases = audited.databases
    urls: list[str] = []

    def make(revision: str) -> Watched:
        urls.append(at(databases, revision, subject=MEMBERSHIP, name="fixed", first=FIXED))
        request = Request(logs=(audited.pattern,))
        watched = Watched(Chain(urls[-1], MEMBERSHIP), audited.server, request)
        for role in ("auditor", "reader LOGIN"):
            with contextlib.suppress(psycopg.errors.DuplicateObject):
                watched.run(f"CREATE ROLE {role}")
        watched.run("GRANT USAGE, CREATE ON SCHEMA public TO reader", ALL_TO_READER)
        if revision < "0005":
            # 0005 asks that both tables have the same grants.
            watched.run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {T}, {C} TO auditor")
        return watched

    yield make
    for url in urls:
        databases.drop(url)


@pytest.fixture
def at_0004(watched_at: WatchedAt) -> Watched:
    watched = watched_at("0004")
    sample(watched)
    assert sample(watched)[SOURCE] == (0, (), ())
    return watched


UNSEEN = {"a lock": "pgaudit records no LOCK in the classes READ and WRITE"}


@pytest.mark.slow
def test_each_way_to_hide_is_found_by_the_log_alone(at_0004: Watched) -> None:
    missed: list[tuple[str, int, tuple[str, ...]]] = []
    twice: list[str] = []
    for way, (setup, use) in test_hiding.SETUP_AND_USE.items():
        name = f"s{len(missed) + len(twice)}_{abs(hash(way))}"
        superuser = "/dev/null" in use
        own = [f"CREATE SCHEMA {name}", f"SET search_path = {name}, public"]
        with at_0004.connect() as connection:
            for text in (*own, setup, ALL_TO_READER, f"GRANT ALL ON SCHEMA {name} TO reader",
                         f"GRANT ALL ON ALL TABLES IN SCHEMA {name} TO reader"):  # fmt: skip
                connection.execute((text or "SELECT 1").encode())
        sample(at_0004)
        with at_0004.connect(None if superuser else "reader") as connection:
            connection.execute(own[1].encode())
            for text in use.split("; ") if "$$" not in use else [use]:
                connection.execute(text.encode())
        uses, who, holes = sample(at_0004)[SOURCE]
        assert holes == ()
        if not uses or who != ("postgres" if superuser else "reader",):
            missed.append((way, uses, who))
        elif sample(at_0004)[SOURCE][0]:
            twice.append(way)
    assert [way for way, *_ in missed] == list(UNSEEN), missed
    assert twice == []


def test_what_the_tool_dumps_and_foreign_keys_do_is_no_use(at_0004: Watched) -> None:
    for text in (
        f"UPDATE {C} SET curriculum_end_date = '2030-01-01' WHERE id = 2",
        f"DELETE FROM {C} WHERE id = 3",
        "UPDATE person SET surname = surname || ' ' WHERE id = 1",
    ):
        at_0004.run(text, role="reader")
    carried = at_0004.chain.query(f"SELECT id FROM {T} WHERE id IN (2, 3) AND "
                                  "curriculum_end_date = '2030-01-01'")  # fmt: skip
    assert carried == [(2,)], "the tool has carried nothing"
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        at_0004.run("DELETE FROM person WHERE id = 1", role="reader")
    sample(at_0004)
    dump(at_0004)
    at_0004.chain.runner().read()
    assert sample(at_0004)[SOURCE] == (0, (), ()), explained(at_0004)


def test_columns_are_told_apart(watched_at: WatchedAt) -> None:
    watched = watched_at("0008")
    plan = watched.chain.plan
    columns = ", ".join(plan.leaving)
    watched.run(f"GRANT SELECT, INSERT ({columns}), UPDATE ({columns}) ON {C} TO auditor")
    sample(watched)
    for text in LIVE.values():
        watched.run(text)
    assert sample(watched)[DEPRECATED] == (0, (), ()), explained(watched)
    for what, text in GOING.items():
        watched.run(text)
        assert sample(watched)[DEPRECATED][0] >= 1, what


def test_a_gate_opens_by_pgaudit_alone(at_0004: Watched) -> None:
    watched = at_0004.asking()
    watched.run(
        "INSERT INTO public_refactor.scan_outcome (plan, stage, consumer, clear, findings) "
        f"VALUES ('{watched.chain.plan.name}', 'copy', 'app', true, 0)"
    )
    for _ in range(14):
        watched.later(timedelta(days=1))
        sample(watched)
    watched.chain.up("0005")


def test_a_use_just_before_its_table_was_retired_is_found(at_0004: Watched) -> None:
    at_0004.run(f"SELECT rotation FROM {T}", role="reader")
    at_0004.chain.up("0005")
    assert sample(at_0004)[RETIRED][:2] == (1, ("reader",))


HOLES = {
    "a lost privilege": (f"REVOKE UPDATE ON {T} FROM auditor", f"lacks UPDATE on {T}",
                         f"GRANT UPDATE ON {T} TO auditor"),
    "a level that is not logged": ("ALTER SYSTEM SET pgaudit.log_level = 'debug1'",
                                   "pgaudit.log_level is debug1: set it to log", ""),
    "records without statements": ("ALTER SYSTEM SET pgaudit.log_statement = off",
                                   "pgaudit.log_statement is off: set it to on", ""),
    "statements that are logged once": ("ALTER SYSTEM SET pgaudit.log_statement_once = on",
                                        "pgaudit.log_statement_once is on: set it to off", ""),
    "no auditing": ("ALTER SYSTEM SET pgaudit.log = 'ddl'; ALTER SYSTEM SET pgaudit.role = ''",
                    "without pgaudit.role", ""),
    "a role with settings of its own": (
        "ALTER ROLE reader SET pgaudit.log = 'none'", "role reader has its own pgaudit.log=none",
        "ALTER ROLE reader RESET pgaudit.log"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOLES)
def test_whatever_hides_records_is_a_hole(what: str, audited: Audited, at_0004: Watched) -> None:
    plant, said, undo = HOLES[what]
    at_0004.run(*plant.split("; "))
    reload(at_0004)
    try:
        holes = sample(at_0004)[SOURCE][2]
        if what == "a lost privilege" and audited.sessions:
            assert holes == (), "sessions are audited without privileges"
        else:
            assert any(said in hole for hole in holes), holes
    finally:
        at_0004.run(undo or "ALTER SYSTEM RESET ALL")
        reload(at_0004)
    # The change back is a hole of its own, which the sample after it still counts.
    sample(at_0004)
    sample(at_0004)
    assert sample(at_0004)[SOURCE][2] == ()


def test_a_record_without_its_statement_is_a_use_of_whoever_is_not_the_tool(
    audited: Audited, at_0004: Watched
) -> None:
    if audited.sessions:
        pytest.skip("without its statement a record of a session names no table")
    at_0004.run("ALTER SYSTEM SET pgaudit.log_statement = off")
    reload(at_0004)
    try:
        sample(at_0004)
        at_0004.run(f"SELECT count(*) FROM {T}", role="reader")
        assert sample(at_0004)[SOURCE][:2] == (1, ("reader",))
    finally:
        at_0004.run("ALTER SYSTEM RESET ALL")
        reload(at_0004)


def test_rotation_loses_no_record(at_0004: Watched) -> None:
    for _ in range(3):
        at_0004.run(f"SELECT count(*) FROM {T}", role="reader")
        at_0004.run("SELECT pg_rotate_logfile()")
    assert sample(at_0004)[SOURCE] == (3, ("reader",), ())


def test_whatever_half_of_a_record_was_there_the_same_records_are_read(
    audited: Audited, at_0004: Watched, tmp_path: Path
) -> None:
    newest = max(
        Path(audited.pattern).parent.glob(Path(audited.pattern).name),
        key=lambda path: path.stat().st_mtime,
    )
    begins = newest.stat().st_size
    at_0004.run(f"SELECT 'two\nlines, \"quoted\"', count(*)\nFROM {T}", role="reader")
    sample(at_0004)
    data = newest.read_bytes()[begins:]
    mirror = tmp_path / newest.name
    whole = read_records(data, as_csv=newest.suffix == ".csv").records
    assert any(r.audit is not None and "quoted" in r.audit.statement for r in whole)
    for cut in range(1, len(data), 97):
        mirror.write_bytes(b"")
        first = read_new([str(mirror)], None)
        mirror.write_bytes(data[:cut])
        second = read_new([str(mirror)], first.files)
        mirror.write_bytes(data)
        third = read_new([str(mirror)], second.files)
        assert (*second.records, *third.records) == whole
        assert second.holes == third.holes == ()


def test_a_log_for_people_is_a_hole_that_says_so(at_0004: Watched, tmp_path: Path) -> None:
    path = tmp_path / "postgresql.log"
    path.write_text("")
    plain = replace(at_0004, request=Request(logs=(str(path),)))
    sample(plain)
    path.write_text(
        f"2026-01-01 00:00:00 UTC LOG:  AUDIT: OBJECT,1,1,READ,SELECT,TABLE,public.{T}\n"
    )
    assert any("are not jsonlog or csvlog" in hole for hole in sample(plain)[SOURCE][2])


@pytest.mark.parametrize(
    ("setting", "whole"),
    [("all", True), ("read,write", True), ("READ, write, ddl", True), ("read", False),
     ("none", False), ("", False), ("all, -write", False), ("read, write, -ddl", True)],
)  # fmt: skip
def test_which_classes_record_everything(setting: str, whole: bool) -> None:
    assert audits_sessions(setting) is whole


def reload(watched: Watched) -> None:
    """Return when new sessions have the settings."""
    before = watched.chain.value("SELECT pg_conf_load_time()")
    watched.run("SELECT pg_reload_conf()")
    until = monotonic() + 30
    while watched.chain.value("SELECT pg_conf_load_time()") == before:
        assert monotonic() < until, "the settings were not loaded"
