"""A script keeps the limits that it is given, and refuses those that its login cannot judge."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.chain.deployer import Deployer, deployer
from tests.chain.driver import Chain
from tests.offline.conftest import ROWS
from tests.offline.scripts import PACE, STOPPED, Script, psql, run_psql, wait_until

LEDGER = "SELECT to_regnamespace('public_refactor') IS NOT NULL"
CONTROL = "public_refactor.control"


@pytest.fixture
def login(script: Script) -> Iterator[Deployer]:
    """Without pg_monitor."""
    with deployer(script.chain) as one:
        yield one


def limited(script: Script, login: Deployer, **limits: Any) -> Script:
    return replace(script, chain=login.chain, pace=replace(PACE, **limits))


def head_run(script: Script) -> None:
    """The ledger stands, so that a control row can be written."""
    text = script.text(["0003"])
    run_psql(script.chain.url, text[: text.index("-- 0003 copy_table up")]).fine()


def control(chain: Chain, **columns: Any) -> None:
    """What a DBA writes into the control row."""
    names = ", ".join(columns)
    values = ", ".join(f"'{v}'" for v in columns.values())
    chain.run(
        f"INSERT INTO {CONTROL} (plan, {names}) VALUES ('{chain.plan.name}', {values}) "
        f"ON CONFLICT (plan) DO UPDATE SET ({names}) = ROW ({values})"
    )


def events(chain: Chain, name: str) -> list[dict[str, Any]]:
    query = f"SELECT detail FROM public_refactor.event WHERE event = '{name}' ORDER BY at"
    return [detail for (detail,) in chain.query(query)]


def waits(chain: Chain, beginning: str) -> str:
    """Waits until the script waits for that reason; the whole reason."""
    found: list[str] = []

    def there() -> bool:
        reasons = [str(detail["reason"]) for detail in events(chain, "waiting")]
        found[:] = [reason for reason in reasons if reason.startswith(beginning)]
        return bool(found)

    wait_until(there)
    return found[-1]


def batches(chain: Chain) -> int:
    return int(chain.value("SELECT count(*) FROM public_refactor.batch"))


def finished(chain: Chain) -> None:
    assert chain.value(f"SELECT count(*) FROM {chain.names.copy}") == ROWS


@contextmanager
def at_work(script: Script) -> Iterator[Any]:
    with psql(script.chain.url, script.text(["0003"])) as process:
        yield process


def stopped(process: Any, *words: str) -> None:
    said, _ = process.communicate(timeout=60)
    assert process.returncode == STOPPED, said
    for word in words:
        assert word in said, said


@pytest.mark.parametrize(
    ("limits", "unseen"),
    [
        ({"max_lag_bytes": 10**12}, "may not see how far replicas are behind"),
        ({"max_active": 100}, "may not see which other sessions are active"),
    ],
    ids=["lag", "active"],
)
def test_a_limit_that_the_login_cannot_judge_is_refused_before_anything_is_changed(
    script: Script, login: Deployer, limits: dict[str, int], unseen: str
) -> None:
    mine = limited(script, login, **limits)
    grant = f"GRANT pg_monitor TO {login.name}"
    mine.up("0003").stopped(f'role "{login.name}" {unseen}', f"HINT:  {grant}")
    assert not script.chain.value(LEDGER)
    script.chain.run(grant)
    mine.up("0003").fine()
    finished(script.chain)


def test_a_login_that_inherits_nothing_is_told_what_it_lacks(
    script: Script, login: Deployer
) -> None:
    """On PostgreSQL 15 a grant alone would not help it."""
    version = int(script.chain.value("SHOW server_version_num"))
    script.chain.run(
        f"GRANT {login.owner} TO {login.name}",
        f"GRANT pg_monitor TO {login.name}",
        f"ALTER ROLE {login.name} NOINHERIT",
    )
    if version >= 160000:
        script.chain.run(f"GRANT pg_monitor TO {login.name} WITH INHERIT FALSE")
    refused = limited(script, login, max_active=100).up("0003").stopped("may not see which other")
    remedy = refused.said.partition("HINT:  ")[2].partition(";")[0]
    assert remedy.startswith("ALTER ROLE" if version < 160000 else "GRANT pg_monitor"), remedy
    script.chain.run(remedy)
    if version < 160000:
        limited(script, login, max_active=100).up("0003").fine()
        finished(script.chain)


def test_the_rate_of_wal_can_be_judged_by_every_login(script: Script, login: Deployer) -> None:
    mine = limited(script, login)
    head_run(mine)
    control(script.chain, paused=True, max_wal_bytes_per_second=1)
    with at_work(mine) as process:
        waits(script.chain, "paused in the ledger")
        control(script.chain, paused=False)
        assert waits(script.chain, "WAL rate").endswith("bytes/s, 1 allowed")
        control(script.chain, max_wal_bytes_per_second=10**12)
        assert process.wait(60) == 0
    reasons = [waited["reason"] for waited in events(script.chain, "waited")]
    assert reasons == ["paused in the ledger", "WAL rate"]
    finished(script.chain)


def test_a_script_waits_for_sessions_that_the_owner_of_the_tables_may_not_see(
    script: Script, login: Deployer
) -> None:
    chain = script.chain
    chain.run(f"GRANT pg_monitor TO {login.name}")
    mine = limited(script, login, max_active=2)
    head_run(mine)
    url = libpq_url(chain.url)
    with psycopg.connect(url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(4712)")
        busy = [psycopg.connect(url, autocommit=True) for _ in range(3)]
        threads = [
            threading.Thread(target=one.execute, args=("SELECT pg_advisory_lock_shared(4712)",))
            for one in busy
        ]
        for thread in threads:
            thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE objid = 4712 AND NOT granted"
        wait_until(lambda: chain.value(waiting) == 3)
        with at_work(mine) as process:
            reason = waits(chain, "load")
            assert reason.endswith("other sessions are active, 2 allowed")
            assert int(reason.split()[1]) >= 3
            assert batches(chain) == 0
            holder.execute("SELECT pg_advisory_unlock(4712)")
            for thread in threads:
                thread.join()
            for one in busy:
                one.close()
            assert process.wait(60) == 0
    finished(chain)


@pytest.mark.parametrize("column", ["max_lag_bytes", "max_active_sessions"])
def test_a_limit_of_the_control_row_is_refused_before_the_step_begins(
    script: Script, login: Deployer, column: str
) -> None:
    mine = limited(script, login)
    head_run(mine)
    control(script.chain, **{column: 1_000_000})
    mine.up("0003").stopped("may not see", f"GRANT pg_monitor TO {login.name}")
    assert script.chain.value("SELECT count(*) FROM public_refactor.step") == 0


@pytest.mark.parametrize("column", ["max_lag_bytes", "max_active_sessions"])
def test_a_limit_that_is_set_while_the_script_runs_stops_it_and_it_goes_on_later(
    script: Script, login: Deployer, column: str
) -> None:
    mine = limited(script, login)
    head_run(mine)
    control(script.chain, paused=True)
    with at_work(mine) as process:
        waits(script.chain, "paused in the ledger")
        control(script.chain, paused=False, **{column: 1_000_000})
        stopped(process, "may not see", f"GRANT pg_monitor TO {login.name}")
    assert batches(script.chain) == 0
    script.chain.run(f"GRANT pg_monitor TO {login.name}")
    mine.up("0003").fine()
    finished(script.chain)


def test_a_login_that_loses_the_privilege_half_way_is_stopped(
    script: Script, login: Deployer
) -> None:
    mine = limited(script, login, max_active=100)
    script.chain.run(f"GRANT pg_monitor TO {login.name}")
    head_run(mine)
    control(script.chain, paused=True)
    with at_work(mine) as process:
        waits(script.chain, "paused in the ledger")
        script.chain.run(f"REVOKE pg_monitor FROM {login.name}")
        stopped(process, "may not see which other sessions are active")
    control(script.chain, paused=False)
    mine.up("0003").stopped("may not see which other sessions are active")
    script.chain.run(f"GRANT pg_monitor TO {login.name}")
    mine.up("0003").fine()
    finished(script.chain)
