"""Who holds a short lock up is named, while it is waited for and when it is given up."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import LockNotObtained
from membership_refactor.execution.options import Options
from tests.chain.driver import Chain
from tests.execution.conftest import ROWS
from tests.execution.running import Running

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
    assert "a reader" not in str(refusal.value)
