"""The server's log as a source: what fails is seen there, and what is missing is a hole."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from membership_refactor.testing.scratch_databases import Databases
from membership_refactor.watch.log_files import read_new
from membership_refactor.watch.server_log import Audit, Record, read_records
from membership_refactor.watch.take_sample import Request, Watch
from tests.chain.driver import Chain
from tests.chain.fixed import FIXED, at
from tests.chain.subjects import MEMBERSHIP
from tests.fixtures.watched import OLD_MEANING, RETIRED, Watched, launch_counting

T = "programme_membership"
LOG = "server log"


@pytest.fixture(scope="module", params=["jsonlog", "csvlog"])
def logging_databases(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config
) -> Iterator[tuple[Databases, str]]:
    settings = {"logging_collector": "on", "log_destination": request.param}
    with launch_counting(pytestconfig, settings) as server:
        databases = Databases(server.server)
        databases.launched = server  # type: ignore[attr-defined]
        yield databases, str(server.server.data) + f"/log/*.{request.param.removesuffix('log')}"


@pytest.fixture
def logged(logging_databases: tuple[Databases, str]) -> Iterator[Watched]:
    """The chain at 0005, watched through the log, with a first sample."""
    databases, pattern = logging_databases
    url = at(databases, "0005", subject=MEMBERSHIP, name="fixed", first=FIXED)
    server = databases.launched  # type: ignore[attr-defined]
    watched = Watched(Chain(url, MEMBERSHIP), server, Request(logs=(pattern,))).asking()
    watched.run("CREATE EXTENSION pg_stat_statements")
    sample(watched)
    yield watched
    databases.drop(url)


def sample(watched: Watched) -> dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]]:
    """Uses, who, and holes by target, from the log alone."""
    taken = Watch(watched.chain.runner(), watched.request).take()
    return {o.target: (o.uses, o.who, o.holes) for o in taken if o.source == LOG}


def fails(watched: Watched, text: str) -> None:
    with pytest.raises(psycopg.Error):
        watched.run(text)


def test_a_statement_that_fails_because_the_table_is_gone_is_a_use_of_its_name(
    logged: Watched,
) -> None:
    assert sample(logged)[OLD_MEANING] == (0, (), ())
    fails(logged, f"SELECT count(*) FROM {T}")
    assert sample(logged)[OLD_MEANING] == (1, ("postgres",), ())
    assert sample(logged)[OLD_MEANING] == (0, (), ())


def test_a_name_inside_a_function_is_seen_too(logged: Watched) -> None:
    logged.run(
        f"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM FROM {T}; END'"
    )
    sample(logged)
    fails(logged, "SELECT f()")
    assert sample(logged)[OLD_MEANING][0] == 1


def test_the_same_name_in_another_schema_is_no_use(logged: Watched) -> None:
    logged.run("CREATE SCHEMA other")
    fails(logged, f"SELECT FROM other.{T}")
    assert sample(logged)[OLD_MEANING] == (0, (), ())


def test_application_and_statement_are_kept_with_literals_masked(logged: Watched) -> None:
    logged.run("SET application_name = 'nightly'", "SELECT 1")
    with logged.connect() as connection, pytest.raises(psycopg.Error):
        connection.execute("SET application_name = 'nightly'")
        connection.execute(f"SELECT 1 FROM {T} WHERE rotation = 'a secret'".encode())
    sample(logged)
    rows = logged.chain.query(
        "SELECT application, statement FROM public_refactor.usage WHERE source = 'server log'"
    )
    assert rows == [("nightly", f"SELECT ? FROM {T} WHERE rotation = ?")]


def test_without_pgaudit_the_log_covers_the_old_name_only(logged: Watched) -> None:
    (hole,) = sample(logged)[RETIRED][2]
    assert "no statements inside of functions without pgaudit in shared_preload_libraries" in hole


def test_a_log_of_another_place_is_a_hole(logged: Watched, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}\n")
    other = replace(logged, request=Request(logs=(f"{tmp_path}/*.json",)))
    said = sample(other)[OLD_MEANING][2]
    assert any("the line that this sample wrote is not in the log files" in hole for hole in said)


def test_a_log_that_is_not_there_is_a_hole(logged: Watched, tmp_path: Path) -> None:
    other = replace(logged, request=Request(logs=(f"{tmp_path}/nothing*.json",)))
    said = sample(other)[OLD_MEANING][2]
    assert any(f"there is no log file {tmp_path}/nothing*.json" in hole for hole in said)


def test_errors_that_are_not_logged_are_a_hole(logged: Watched) -> None:
    logged.run("ALTER SYSTEM SET log_min_messages = 'fatal'", "SELECT pg_reload_conf()")
    try:
        said = sample(logged)[OLD_MEANING][2]
    finally:
        logged.run("ALTER SYSTEM RESET log_min_messages", "SELECT pg_reload_conf()")
    assert any("log_min_messages is fatal: errors are not logged" in hole for hole in said)


def test_rotation_loses_nothing(logged: Watched) -> None:
    fails(logged, f"SELECT count(*) FROM {T}")
    logged.run("SELECT pg_rotate_logfile()")
    fails(logged, f"SELECT count(*) FROM {T}")
    uses, _, holes = sample(logged)[OLD_MEANING]
    assert (uses, holes) == (2, ())


def test_the_gate_of_the_new_meaning_opens_by_the_log_alone(logged: Watched) -> None:
    logged.run(
        "INSERT INTO public_refactor.scan_outcome (plan, stage, consumer, clear, findings) "
        f"VALUES ('{logged.chain.plan.name}', 'copy', 'app', true, 0)",
        "UPDATE public_refactor.step SET ended_at = now() - interval '1 day'",
    )
    for _ in range(14):
        logged.later(timedelta(days=1))
        assert sample(logged)[OLD_MEANING] == (0, (), ())
    logged.chain.up("0006")


# --- reading files -----------------------------------------------------------------------

ONE = b'{"user":"a","dbname":"d","message":"first"}\n'
TWO = b'{"user":"b","dbname":"d","message":"second"}\n'


def names(records: tuple[Record, ...]) -> list[str]:
    return [record.role for record in records]


def test_half_a_record_is_left_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(ONE)
    first = read_new([str(path)], None)
    assert first.records == ()
    path.write_bytes(ONE + TWO[:20])
    second = read_new([str(path)], first.files)
    assert (second.records, second.holes) == ((), ())
    path.write_bytes(ONE + TWO)
    assert names(read_new([str(path)], second.files).records) == ["b"]


def test_a_renamed_file_is_read_on(tmp_path: Path) -> None:
    path, moved = tmp_path / "a.json", tmp_path / "a.1.json"
    path.write_bytes(ONE)
    first = read_new([f"{tmp_path}/*.json"], None)
    path.rename(moved)
    with moved.open("ab") as file:
        file.write(TWO)
    path.write_bytes(ONE.replace(b'"a"', b'"c"'))
    os.utime(moved, (1, 1))
    second = read_new([f"{tmp_path}/*.json"], first.files)
    assert (names(second.records), second.holes) == (["b", "c"], ())


def test_a_file_that_was_cut_off_is_a_hole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(ONE + TWO)
    first = read_new([str(path)], None)
    path.write_bytes(ONE)
    (hole,) = read_new([str(path)], first.files).holes
    assert hole == f"the log file {path} was cut off or replaced"


def test_the_newest_file_that_is_gone_is_a_hole_and_an_older_one_is_not(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_bytes(ONE)
    os.utime(old, (1, 1))
    new.write_bytes(TWO)
    first = read_new([f"{tmp_path}/*.json"], None)
    old.unlink()
    assert read_new([f"{tmp_path}/*.json"], first.files).holes == ()
    new.unlink()
    holes = read_new([f"{tmp_path}/*.json"], first.files).holes
    assert f"the log file {new} is gone, with what was written after the last sample" in holes


def test_a_binary_file_is_a_hole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"\x00\x01\n\xff\xfe\n")
    (hole,) = read_new([str(path)], ()).holes
    assert hole == f"2 records of the log file {path} are not jsonlog or csvlog"


def test_a_csv_record_over_several_lines_is_one(tmp_path: Path) -> None:
    fields = ["x"] * 26
    fields[1], fields[13] = "a", '"two\nlines, and a ""quote"""'
    data = ",".join(fields).encode() + b"\n"
    read = read_records(data + data[:30], as_csv=True)
    assert (names(read.records), read.length, read.broken) == (["a"], len(data), 0)
    assert read.records[0].message == 'two\nlines, and a "quote"'


def test_pgaudits_fields_are_read_from_its_line() -> None:
    message = 'AUDIT: OBJECT,1,1,READ,SELECT,TABLE,public.programme_membership,"SELECT 1, 2",<none>'
    record = Record(role="a", database="d", application="", severity="LOG", state="",
                    message=message, statement="")  # fmt: skip
    assert record.audit == Audit(True, "public.programme_membership", "SELECT 1, 2")


@pytest.mark.parametrize("table", ['a"b', "Order Line", "plain"])
def test_an_audit_record_of_a_table_of_an_odd_name_is_about_it(table: str) -> None:
    shown = f"public.{quote_ident(table)}"
    assert Audit(True, shown, "").is_about("public", table)
    assert not Audit(True, shown, "").is_about("public", "other")


def quote_ident(name: str) -> str:
    """As PostgreSQL's quote_qualified_identifier writes it."""
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name)
    return name if plain else '"' + name.replace('"', '""') + '"'
