"""A real Citus cluster, where there is one: the whole chain on tables that are not distributed."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import CannotCarry
from tests.chain.driver import Chain, said, snapshot
from tests.chain.fixed import FIXED
from tests.chain.subjects import MEMBERSHIP
from tests.chain.test_named_before_the_copy import closed, named

WIDE = "public.programme_membership"


@pytest.fixture
def chain(citus_database: str) -> Chain:
    FIXED(citus_database)
    return Chain(citus_database, MEMBERSHIP)


def outside(chain: Chain, *texts: str) -> None:
    """Each statement by itself, as Citus wants its functions."""
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        for text in texts:
            pg.execute(text.encode())


@pytest.mark.slow
def test_local_tables_go_up_and_down_and_are_distributed_afterwards(chain: Chain) -> None:
    assert chain.runner().server().citus is not None
    assert not closed(named(chain))
    before = snapshot(chain)
    chain.up_to("0011")
    chain.down_to("0002")
    assert snapshot(chain).tables == before.tables
    chain.up_to("0011")

    rows, parents = chain.child(), chain.parents()
    parent = chain.names.parent.replace("'", "''")
    outside(chain, f"SELECT create_reference_table('{parent}')")

    assert (chain.child(), chain.parents()) == (rows, parents)


def test_a_distributed_table_is_refused_and_served_once_it_is_plain_again(chain: Chain) -> None:
    # Citus wants the tables of foreign keys to be its own, and undistributes no identity.
    keys = chain.query(
        f"SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = '{WIDE}'::regclass"
    )
    outside(
        chain,
        *(f'ALTER TABLE {WIDE} DROP CONSTRAINT "{name}"' for (name,) in keys),
        f"ALTER TABLE {WIDE} ALTER COLUMN id DROP IDENTITY IF EXISTS",
        f"SELECT create_reference_table('{WIDE}')",
    )
    assert "is a reference table of Citus" in said(chain)
    with pytest.raises(CannotCarry, match="undistribute_table"):
        chain.up("0003")
    outside(chain, f"SELECT undistribute_table('{WIDE}', cascade_via_foreign_keys => true)")
    chain.up("0003")
