"""A partitioned source loses its foreign keys before the names are exchanged: the copy's hold."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.testing.interruptions import watched
from tests.chain.partitioned import NAME
from tests.chain.test_known_triggers import chain_of
from tests.chain.test_partitioned import apart
from tests.fixtures.chains import ChainAt
from tests.fixtures.sessions import ISOLATIONS

KEYS = ("person_id", "programme_id", "curriculum_id", "rotation_id", "training_number_id")
WRONG = {
    **{f"{column} of nobody": f"UPDATE {{table}} SET {column} = -4711" for column in KEYS},
    "a referred row that goes": "DELETE FROM person",
}


@pytest.mark.parametrize("level", ISOLATIONS)
def test_no_write_slips_past_a_key_that_the_source_has_lost(level: str, chain_at: ChainAt) -> None:
    chain = chain_of(chain_at, "0004")
    copy, moments = chain.plan.copy, 0

    def write(text: str) -> None:
        nonlocal moments
        # That a key has gone is recorded after its lock.
        if "lock_waited_ms" not in text or "drop_foreign_key:" not in text:
            return
        moments += 1
        with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
            pg.execute(f"SET default_transaction_isolation = '{level.lower()}'".encode())
            for table in (NAME, f"{NAME}_p0", copy):
                for what, wrong in WRONG.items():
                    with pytest.raises(psycopg.errors.ForeignKeyViolation):
                        pg.execute(wrong.format(table=table).encode())
                        pytest.fail(f"{what} in {table} after {moments} keys")
                pg.execute(f"UPDATE {table} SET rotation = '{table} {moments}'".encode())

    chain.runner(engine=watched(chain.url, write)).upgrade("retire_source")
    assert moments == len(KEYS)
    rows = chain.child()
    assert {row["rotation"] for row in rows.values()} == {f"{copy} {moments}"}
    chain.down("0005")
    assert (chain.source(), apart(chain)) == (rows, [])
