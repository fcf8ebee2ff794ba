"""Columns of a partitioned table go and come one at a time: those that are there stay frozen."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Chain, build
from tests.chain.fixed import fill
from tests.chain.partitioned import HASHED
from tests.fixtures.chains import ChainAt
from tests.fixtures.sessions import ISOLATIONS
from tests.fixtures.steps import step_of


@pytest.mark.parametrize("level", ISOLATIONS)
def test_no_value_is_written_into_a_column_that_goes_or_comes_back(
    level: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0008", subject=HASHED, name="split hash", first=build(HASHED, fill))
    child, going = chain.plan.child, chain.plan.leaving
    there: list[int] = []
    before = _only(going, chain)
    chain.up("0009")

    def write(text: str) -> None:
        # That a column has gone or come is recorded after its lock.
        if "lock_waited_ms" not in text or "_column:" not in text:
            return
        with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
            pg.execute(f"SET default_transaction_isolation = '{level.lower()}'".encode())
            found = {
                column
                for (column,) in pg.execute(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
                    " AND attnum > 0 AND NOT attisdropped",
                    (child,),
                )
            }
            there.append(len(found & {*going}))
            for column in going:
                wanted = "55000" if column in found else "42703"
                for table in (child, f"{child}_p0"):
                    with pytest.raises(psycopg.Error) as refused:
                        pg.execute(f"UPDATE {table} SET {column} = {_another(column)}".encode())
                    assert refused.value.sqlstate == wanted, (column, there, refused.value)
            pg.execute(f"UPDATE {child} SET period_of_grace = {len(there)}".encode())

    runner = chain.runner(engine=watched(chain.url, write))
    runner.upgrade(step_of("0010"))
    assert there == [*range(len(going) - 1, -1, -1)]
    there.clear()
    runner.downgrade(step_of("0010"))
    assert there == [*range(1, len(going) + 1)]
    graces = {row["period_of_grace"] for row in chain.child().values()}
    assert graces == {str(len(going))}
    chain.down("0009")
    assert _only(going, chain) == before


def _only(columns: Sequence[str], chain: Chain) -> dict[str, list[object]]:
    return {key: [row[c] for c in columns] for key, row in chain.child().items()}


def _another(column: str) -> str:
    """A value that no row has."""
    kind = column.rpartition("_")[2]
    return {"date": "'2001-02-03'", "id": "4711"}.get(kind, "'changed'")
