"""Who holds a short lock up is named, while it is waited for and when it is given up."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.database import create_database, libpq_url
from membership_refactor.errors import LockNotObtained
from membership_refactor.execution.options import Options
from membership_refactor.plans.legacy_tables import legacy_tables
from tests.chain.deployer import deployer
from tests.chain.driver import Chain
from tests.chain.subjects import MEMBERSHIP
from tests.execution.conftest import FILL, ROWS, prepared
from tests.execution.running import Running
from tests.fixtures.server import LaunchServer
from tests.offline.scripts import PACE, Script, wait_until

WRITE = b"UPDATE public.programme_membership SET rotation = 'held' WHERE id = 1"


def test_a_long_transaction_is_named_while_the_step_waits_and_is_not_killed(chain: Chain) -> None:
    with psycopg.connect(libpq_url(chain.url), application_name="nightly report") as long:
        long.execute(WRITE)
        step = Running(chain, Options(accept_usage="a test", lock_timeout=60))
        step.start()
        step.until(lambda: "In the way" in step.said.getvalue(), "names who is in the way")
        said = step.said.getvalue()
        assert f"pid {long.info.backend_pid} (postgres, nightly report, idle in transaction" in said
        assert long.execute("SELECT count(*) FROM public.programme_membership").fetchone() == (
            ROWS,
        )
        long.commit()
        step.finish()
    copied = chain.query(f"SELECT rotation FROM {chain.names.copy} WHERE id = 1")
    assert copied == [("held",)]


def test_an_orphaned_prepared_transaction_is_named_and_the_step_can_go_on_later(
    chain: Chain,
) -> None:
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as orphan:
        orphan.execute("BEGIN")
        orphan.execute(WRITE)
        orphan.execute("PREPARE TRANSACTION 'orphan ''1'''")
    step = Running(chain, Options(accept_usage="a test", lock_timeout=2))
    step.start()
    with pytest.raises(LockNotObtained, match=r"prepared transaction .orphan '1'. \(postgres, for"):
        step.finish()
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as dba:
        dba.execute("COMMIT PREPARED 'orphan ''1'''")
    again = Running(chain, Options(accept_usage="a test", lock_timeout=20))
    again.start()
    again.finish()
    assert chain.value(f"SELECT count(*) FROM {chain.names.copy} WHERE rotation = 'held'") == 1


def test_a_reader_is_not_blamed_for_a_lock_that_readers_do_not_hold_up(chain: Chain) -> None:
    with (
        psycopg.connect(libpq_url(chain.url), application_name="a reader") as reader,
        psycopg.connect(libpq_url(chain.url), application_name="a writer") as writer,
    ):
        reader.execute("SELECT count(*) FROM public.programme_membership")
        writer.execute(WRITE)
        step = Running(chain, Options(accept_usage="a test", lock_timeout=2))
        step.start()
        with pytest.raises(LockNotObtained) as refusal:
            step.finish()
    assert "a writer" in str(refusal.value)
    assert "End or wait for those transactions. Then run the same command" in str(refusal.value)
    assert "autovacuum" not in str(refusal.value)
    assert "a reader" not in str(refusal.value)


@pytest.mark.slow
def test_an_autovacuum_that_prevents_wraparound_is_waited_for_and_never_to_be_ended(
    launch_server: LaunchServer,
) -> None:
    """By runner and script, for a login that may see its query and for one that may not."""
    server = launch_server(settings={"autovacuum_naptime": "1s", "autovacuum": "on"}).server
    url = create_database(server.url, "aged", template="template0")
    prepared(url)
    chain = Chain(url, MEMBERSHIP)
    chain.run(
        "ALTER TABLE programme_membership SET (autovacuum_enabled = off, "
        "autovacuum_freeze_max_age = 100000, "
        "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)"
    )
    at_work = (
        "FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' "
        "AND query LIKE '%programme_membership (to prevent wrap%'"
    )
    age = (
        "DO $$ BEGIN FOR n IN 1..110000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
    )
    with deployer(chain) as login:
        with psycopg.connect(libpq_url(url), autocommit=True) as ageing:
            for _ in range(5):  # more pages
                ageing.execute(
                    FILL.replace("programme_membership (", "public.programme_membership (")
                )
            ageing.execute(age)
        wait_until(lambda: chain.value(f"SELECT EXISTS (SELECT {at_work})"))
        for grant in ("SELECT 1", f"GRANT pg_monitor TO {login.name}"):
            chain.run(grant)
            step = Running(login.chain, Options(accept_usage="a test", lock_timeout=2))
            step.start()
            with pytest.raises(LockNotObtained) as refusal:
                step.finish()
            script = Script(
                login.chain, legacy_tables("public"), pace=replace(PACE, lock_timeout=1)
            )
            said = script.up("0003").stopped("no lock on").said
            for text in (str(refusal.value), said):
                assert "(autovacuum of public.programme_membership to prevent wraparound" in text
                assert "Wait until the autovacuum of public.programme_membership has ended" in text
                assert "do not cancel it" in text
                assert "End or wait" not in text
        chain.run("ALTER TABLE programme_membership RESET (autovacuum_vacuum_cost_delay)")
        chain.run(f"SELECT pg_terminate_backend(pid) {at_work}")
