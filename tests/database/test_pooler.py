"""A real pgbouncer between the tool and the server: refused at connect, and nothing is left."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from membership_refactor.database import examine, libpq_url
from membership_refactor.database.handed_over import require_usable_connection
from membership_refactor.errors import NoDatabase
from membership_refactor.execution.sessions import POOLED, Sessions
from tests.cli.processes import refactor
from tests.fixtures.databases import NewDatabase
from tests.fixtures.poolers import Through, left_behind


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
    assert left_behind(pooled, transactions=mode != "statement") == []


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
    assert left_behind(pooled) == []


def test_a_connection_that_was_handed_over_is_asked_whether_its_pool_shares_sessions(
    new_database: NewDatabase, through: Through
) -> None:
    url = new_database()
    shared, kept = (through(url, mode) for mode in ("transaction", "session"))
    with create_engine(kept, poolclass=NullPool).connect() as connection:
        require_usable_connection(connection, pooled=True)
        assert connection.scalar(text("SHOW server_encoding")) == "UTF8"

    with (
        create_engine(shared, poolclass=NullPool).connect() as connection,
        pytest.raises(NoDatabase, match="shares its sessions"),
    ):
        require_usable_connection(connection, pooled=True)
    assert left_behind(shared) == []


def test_a_server_is_no_pooler(new_database: NewDatabase) -> None:
    url = new_database()

    assert examine(url).encoding == "UTF8"
    engine = create_engine(url, poolclass=NullPool)
    with Sessions(engine, role=None, label="test").open() as pg:
        assert pg.execute("SELECT 1").fetchone() == (1,)
