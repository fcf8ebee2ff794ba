"""A real pgbouncer between the tool and the server: refused at connect, and nothing is left."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import psycopg
import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from membership_refactor.database import examine, libpq_url
from membership_refactor.errors import NoDatabase
from membership_refactor.execution.sessions import POOLED, Sessions
from tests.cli.processes import refactor
from tests.fixtures.databases import NewDatabase

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
PATIENCE = 20.0
Through = Callable[[str, str], str]
"""The URL of a database, and the pool's mode, to the URL of the same through a pooler."""


@pytest.fixture
def through() -> Iterator[Through]:
    if PGBOUNCER is None:
        pytest.skip("no pgbouncer on this machine: apt-get install pgbouncer")
    started: list[subprocess.Popen[bytes]] = []
    opened = ExitStack()

    def start(url: str, mode: str) -> str:
        given = make_url(url)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        folder = Path(opened.enter_context(TemporaryDirectory()))
        folder.chmod(0o777)
        host = given.query.get("host") or given.host or "127.0.0.1"
        secret = f" password={given.password}" if given.password else ""
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            "[databases]\n"
            f"{given.database} = host={host} port={given.port or given.query.get('port', 5432)}"
            f" dbname={given.database} user={given.username}{secret}\n"
            "[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nauth_type = any\npool_mode = {mode}\n"
            "default_pool_size = 6\nunix_socket_dir =\n"
            "ignore_startup_parameters = extra_float_digits,options\n"
            f"logfile = {folder / 'log'}\n"
        )
        settings.chmod(0o644)
        # It refuses to run as root.
        user = "nobody" if os.geteuid() == 0 else None
        started.append(subprocess.Popen([PGBOUNCER or "", str(settings)], user=user))
        until = monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert monotonic() < until, "pgbouncer did not start"
        return make_url(
            f"postgresql+psycopg://{given.username}@127.0.0.1:{port}/{given.database}"
        ).render_as_string(hide_password=False)

    yield start
    for process in started:
        process.terminate()
        process.wait(PATIENCE)
    opened.close()


def settings(url: str) -> list[tuple[str, str]]:
    """What a client of the pool finds set that no file and no role has set."""
    with psycopg.connect(libpq_url(url), autocommit=True) as client:
        return client.execute(
            "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name NOT IN"
            " ('application_name', 'client_encoding', 'DateStyle', 'TimeZone',"
            " 'standard_conforming_strings') ORDER BY 1"
        ).fetchall()


@pytest.mark.parametrize("mode", ["transaction", "session", "statement"])
def test_a_pooler_is_refused_in_one_line_and_nothing_is_left_in_its_sessions(
    mode: str, new_database: NewDatabase, through: Through
) -> None:
    pooled = through(new_database(), mode)

    for verb in (("status",), ("plan",), ("upgrade", "0003"), ("downgrade", "base")):
        done = refactor(*verb, url=pooled)
        assert done.status != 0
        assert "connection pooler answers at 127.0.0.1" in done.out + done.err
        assert "Traceback" not in done.out + done.err
    assert settings(pooled) == []


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_that_shares_sessions_is_refused_whatever_was_said_of_it(
    mode: str, new_database: NewDatabase, through: Through
) -> None:
    pooled = through(new_database(), mode)

    with pytest.raises(NoDatabase, match="shares its sessions"):
        examine(pooled, pooled=True)


def test_a_pooler_that_keeps_sessions_may_be_used_if_it_is_said(
    new_database: NewDatabase, through: Through
) -> None:
    pooled = through(new_database(), "session")

    assert examine(pooled, pooled=True).encoding == "UTF8"
    engine = create_engine(pooled, poolclass=NullPool, execution_options={POOLED: True})
    with Sessions(engine, role=None, label="test").open() as pg:
        assert pg.execute("SELECT 1").fetchone() == (1,)


def test_writers_are_measured_through_a_pooler_where_somebody_asks(
    new_database: NewDatabase, through: Through
) -> None:
    """It takes a session more, which a small pool may not have."""
    url = new_database()
    pooled = through(url, "session")
    for name, felt in (("0003", None), ("0007", "rebuild_parent")):
        latency = () if felt is None else ("-x", "max-latency=10000ms")
        done = refactor(
            "-x", "pooler=session", "-x", "accept-usage=a test", *latency, "upgrade", name,
            url=pooled,
        )  # fmt: skip
        assert done.status == 0, done.err
        with psycopg.connect(libpq_url(url)) as pg:
            made = pg.execute("SELECT to_regclass('public_refactor.felt') IS NOT NULL").fetchone()
            assert made == (felt is not None,)
            if felt is not None:
                steps = pg.execute("SELECT DISTINCT step FROM public_refactor.felt").fetchall()
                assert (felt,) in steps


def test_an_engine_that_was_handed_over_is_asked_too(
    new_database: NewDatabase, through: Through
) -> None:
    pooled = through(new_database(), "transaction")
    engine = create_engine(pooled, poolclass=NullPool)

    with (
        pytest.raises(NoDatabase, match="connection pooler"),
        Sessions(engine, role=None, label="test").open(),
    ):
        pass
    assert settings(pooled) == []


def test_a_server_is_no_pooler(new_database: NewDatabase) -> None:
    url = new_database()

    assert examine(url).encoding == "UTF8"
    engine = create_engine(url, poolclass=NullPool)
    with Sessions(engine, role=None, label="test").open() as pg:
        assert pg.execute("SELECT 1").fetchone() == (1,)
