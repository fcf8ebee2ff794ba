"""Whatever could have hidden a use between two samples is a hole, and named."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from membership_refactor.database import LaunchedServer, libpq_url
from membership_refactor.testing.scratch_databases import Databases
from membership_refactor.watch.take_sample import Watch
from tests.chain.driver import Chain
from tests.chain.fixed import FIXED, at
from tests.chain.subjects import MEMBERSHIP
from tests.fixtures.watched import DEPRECATED, SOURCE, Watched, WatchedAt, launch_counting

T = "programme_membership"
CONFIGURATION = ("postgresql.conf", "postgresql.auto.conf")


def holes(watched: Watched) -> str:
    return "; ".join(watched.sample()[SOURCE].holes)


@pytest.fixture
def at_0004(watched_at: WatchedAt) -> Watched:
    return watched_at("0004")


@dataclass
class Alone:
    """A watched chain on a server of its own, which may be stopped and set otherwise."""

    watched: Watched

    def restart(self, mode: str = "fast", **settings: str) -> None:
        self.watched.server.stop(mode)  # type: ignore[arg-type]
        self.watched.server.write_settings({n.replace("__", "."): v for n, v in settings.items()})
        self.watched.server.start()

    def reload(self, setting: str, value: str) -> None:
        with psycopg.connect(libpq_url(self.watched.server.server.url), autocommit=True) as c:
            c.execute(f"ALTER SYSTEM SET {setting} = {value}".encode())
            c.execute("SELECT pg_reload_conf()")
        self.watched.chain.engine.dispose()


@pytest.fixture(scope="module")
def own_databases(pytestconfig: pytest.Config) -> Iterator[Databases]:
    """Databases on the server that is stopped and set otherwise."""
    with launch_counting(pytestconfig) as server:
        databases = Databases(server.server)
        databases.launched = server  # type: ignore[attr-defined]
        yield databases


@pytest.fixture
def alone(own_databases: Databases) -> Iterator[Alone]:
    """The chain at 0004 on a server that has run since a clean start with the usual settings."""
    server: LaunchedServer = own_databases.launched  # type: ignore[attr-defined]
    data = server.server.data
    assert data is not None
    usual = {data / name: (data / name).read_text() for name in CONFIGURATION}
    url = at(own_databases, "0004", subject=MEMBERSHIP, name="fixed", first=FIXED)
    watched = Watched(Chain(url, MEMBERSHIP), server)
    watched.run("CREATE EXTENSION pg_stat_statements")
    watched.sample()
    assert not holes(watched), "a server that is left alone has no hole"
    yield Alone(watched)
    server.stop()
    for file, text in usual.items():
        file.write_text(text)
    server.start()


def test_the_first_sample_covers_nothing(at_0004: Watched) -> None:
    first = at_0004.sample()
    assert first[SOURCE].began is None
    assert not first[SOURCE].covered
    assert first.keys() == {SOURCE, DEPRECATED}


def test_time_without_anything_is_covered(at_0004: Watched) -> None:
    at_0004.sample()
    second = at_0004.sample()[SOURCE]
    assert second.covered
    assert (second.uses, second.holes) == (0, ())


def test_what_ran_before_the_first_sample_is_a_use_without_a_date(at_0004: Watched) -> None:
    at_0004.run(f"SELECT 1 FROM {T}")
    at_0004.sample()
    found = at_0004.chain.query(
        "SELECT role, before, uses, last_at FROM public_refactor.usage "
        "WHERE statement = 'SELECT $1 FROM programme_membership'"
    )
    assert found == [("postgres", 1, 0, None)]


def test_a_clean_restart_is_no_hole(alone: Alone) -> None:
    alone.restart()
    assert not holes(alone.watched)


def test_an_immediate_stop_loses_the_counters_of_scans(alone: Alone) -> None:
    """The statistics of statements are kept, but a statement that it ended is not in them."""
    alone.restart("immediate")
    said = holes(alone.watched)
    assert f"the scan counters of {T} were lost in a crash or an immediate stop" in said
    assert "statistics were reset" not in said
    assert not holes(alone.watched)


def test_a_backup_that_was_restored_is_a_hole(alone: Alone, tmp_path: Path) -> None:
    server = alone.watched.server
    data = server.server.data
    server.stop()
    subprocess.run(["cp", "-a", str(data), str(tmp_path / "backup")], check=True)
    server.start()
    watch = Watch(alone.watched.chain.runner(), alone.watched.request)
    watch.take()
    assert {o.holes for o in watch.take()} == {()}
    alone.watched.run(f"SELECT count(*) FROM {T}")
    server.stop()
    subprocess.run(["rm", "-r", str(data)], check=True)
    subprocess.run(["cp", "-a", str(tmp_path / "backup"), str(data)], check=True)
    server.start()
    for outcome in watch.take():
        assert any("an older copy of the server was restored" in h for h in outcome.holes)
    assert {o.holes for o in watch.take()} == {()}


def test_a_killed_session_loses_the_statistics(alone: Alone) -> None:
    victim, witness = alone.watched.connect(), alone.watched.connect()
    os.kill(victim.info.backend_pid, signal.SIGKILL)
    # The server ends every session before it begins anew.
    with pytest.raises(psycopg.OperationalError):
        for _ in range(100):
            witness.execute("SELECT pg_sleep(0.1)")
    wait_until_up(alone)
    assert "reset or lost in a crash" in holes(alone.watched)


def wait_until_up(alone: Alone) -> None:
    for _ in range(600):
        try:
            alone.watched.connect().close()
            return
        except psycopg.OperationalError:
            signal.sigtimedwait([], 0.05)
    raise AssertionError("the server did not come back")


def test_a_killed_server_loses_the_statistics(alone: Alone) -> None:
    data = alone.watched.server.server.data
    assert data is not None
    pid = int((data / "postmaster.pid").read_text().split("\n")[0])
    os.kill(pid, signal.SIGKILL)
    for _ in range(200):
        if not os.path.exists(f"/proc/{pid}"):
            break
        signal.sigtimedwait([], 0.05)
    alone.restart("immediate")
    assert "reset or lost in a crash" in holes(alone.watched)


def test_a_restart_without_saving_loses_the_statistics(alone: Alone) -> None:
    alone.restart(pg_stat_statements__save="off")
    said = holes(alone.watched)
    assert "pg_stat_statements.save was changed from on to off" in said
    alone.restart()
    assert "restarted with pg_stat_statements.save = off" in holes(alone.watched)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("pg_stat_statements.track", "top"),
        ("pg_stat_statements.track", "none"),
        ("pg_stat_statements.track_utility", "off"),
        ("compute_query_id", "off"),
    ],
)
def test_a_setting_that_hides_statements_is_a_hole_while_it_lasts(
    setting: str, value: str, alone: Alone
) -> None:
    alone.reload(setting, value)
    assert f"{setting} is {value}: set it to" in holes(alone.watched)
    assert f"{setting} is {value}: set it to" in holes(alone.watched)
    alone.reload(setting, "DEFAULT" if "track" not in setting else "'all'"
                 if setting.endswith("track") else "on")  # fmt: skip
    assert f"{setting} was changed from {value}" in holes(alone.watched)
    assert not holes(alone.watched)


def test_an_eviction_is_a_hole_with_its_number(alone: Alone) -> None:
    alone.restart(pg_stat_statements__max="100")
    alone.watched.sample()
    alone.watched.run(*(f"SELECT {', '.join(['1'] * n)}" for n in range(1, 150)))
    said = holes(alone.watched)
    assert re.search(r"rarely used statements were evicted (once|\d+ times): raise", said)


def single_reset(watched: Watched) -> None:
    """Reset one statement of this database; never the trace of a reset in another test's."""
    watched.run(
        "SELECT pg_stat_statements_reset(0, s.dbid, s.queryid) FROM pg_stat_statements AS s "
        "JOIN pg_database AS d ON d.oid = s.dbid "
        "WHERE d.datname = current_database() AND s.query NOT LIKE '%reset%' LIMIT 1"
    )


def override(watched: Watched) -> None:
    watched.run("ALTER ROLE reader SET pg_stat_statements.track = 'none'")


IN_ONE_DATABASE: dict[str, tuple[Callable[[Watched], None], str]] = {
    "a full reset": (
        lambda w: w.run("SELECT pg_stat_statements_reset()"), "reset or lost in a crash"),
    "a reset of a single statement": (single_reset, "single statements were reset"),
    "a reset of the counters of one table": (
        lambda w: w.run(f"SELECT pg_stat_reset_single_table_counters('{T}'::regclass)"),
        f"the scan counters of {T} were lost in a crash or an immediate stop, or reset"),
    "a reset of all counters": (
        lambda w: w.run("SELECT pg_stat_reset()"), f"the scan counters of {T} were lost"),
    "tracking that a superuser set in a session": (
        lambda w: w.run("SET pg_stat_statements.track = 'none'"), "in a session"),
    "missed samples": (lambda w: w.later(timedelta(days=2)), "no sample was taken from"),
    "a clock that went back": (
        lambda w: w.later(timedelta(hours=-3)), "the clock went back, from"),
    "a downgrade": (lambda w: w.chain.down("0004"), "a step went down"),
}  # fmt: skip


@pytest.mark.parametrize("event", IN_ONE_DATABASE)
def test_a_planted_hole_is_named_once(event: str, at_0004: Watched) -> None:
    plant, said = IN_ONE_DATABASE[event]
    at_0004.sample()
    plant(at_0004)
    assert said in holes(at_0004)
    assert not holes(at_0004), "the hole stays although it is over"


def test_a_role_with_settings_of_its_own_is_a_hole_while_it_has_them(at_0004: Watched) -> None:
    at_0004.run(
        "DROP ROLE IF EXISTS hider", "CREATE ROLE hider",
        "ALTER ROLE hider SET pg_stat_statements.track = 'none'",
    )  # fmt: skip
    try:
        at_0004.sample()
        assert "role hider has its own pg_stat_statements.track=none: reset it" in holes(at_0004)
    finally:
        at_0004.run("DROP ROLE hider")


def test_a_role_that_may_not_see_the_statements_of_others_says_so(at_0004: Watched) -> None:
    owner = "sampler"
    at_0004.run(f"DROP ROLE IF EXISTS {owner}", f"CREATE ROLE {owner} LOGIN")
    at_0004.run(f"GRANT {_owner(at_0004)} TO {owner}")
    at_0004.sample()
    try:
        url = at_0004.chain.engine.url.set(username=owner).render_as_string(hide_password=False)
        limited = replace(at_0004, chain=Chain(url, MEMBERSHIP))
        if _owner(at_0004) == "postgres":
            at_0004.run(f"ALTER ROLE {owner} NOINHERIT")
        assert "the statements of other roles are hidden" in holes(limited)
    finally:
        at_0004.run(f"REVOKE {_owner(at_0004)} FROM {owner}", f"DROP ROLE {owner}")


def _owner(watched: Watched) -> str:
    return str(watched.chain.value(
        f"SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'public.{T}'::regclass"
    ))  # fmt: skip


def test_a_dropped_and_restored_database_is_a_hole(
    at_0004: Watched, counting_databases: Databases
) -> None:
    at_0004.sample()
    state = at_0004.chain.query("SELECT * FROM public_refactor.usage_sample")
    assert state
    name = at_0004.chain.value("SELECT current_database()")
    admin = libpq_url(counting_databases.server.url)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE copied TEMPLATE "{name}"'.encode())
        try:
            url = at_0004.chain.engine.url.set(database="copied")
            copied = Chain(url.render_as_string(hide_password=False), MEMBERSHIP)
            said = holes(replace(at_0004, chain=copied))
            assert "the database was dropped and made again" in said
        finally:
            connection.execute("DROP DATABASE copied WITH (FORCE)")


def test_a_server_without_the_extension_says_what_to_do(at_0004: Watched) -> None:
    at_0004.run("DROP EXTENSION pg_stat_statements")
    assert "CREATE EXTENSION pg_stat_statements;" in holes(at_0004)
