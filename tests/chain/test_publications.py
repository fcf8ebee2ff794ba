"""A publication of all tables that comes between two steps stops nothing."""

from __future__ import annotations

import pytest

from tests.chain.driver import snapshot
from tests.fixtures.chains import ChainAt

WITHOUT_KEY = """
SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'public_refactor' AND c.relkind = 'r' AND c.relreplident <> 'f'
  AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)
"""


@pytest.mark.parametrize("revision", ["0004", "0006", "0007", "0008", "0009"])
def test_every_table_of_the_ledger_can_be_published(revision: str, chain_at: ChainAt) -> None:
    assert chain_at(revision).query(WITHOUT_KEY) == []


@pytest.mark.parametrize("revision", ["0005", "0006", "0007"])
def test_a_publication_of_all_tables_stops_no_later_step(revision: str, chain_at: ChainAt) -> None:
    chain = chain_at(revision)
    chain.run("CREATE PUBLICATION everything FOR ALL TABLES")
    chain.run(
        "INSERT INTO public.curriculum_membership (person_id, programme_id, curriculum_id) "
        "VALUES (3, 2, 0)",
        "UPDATE public.curriculum_membership SET programme_id = 9 WHERE person_id = 2",
        "DELETE FROM public.curriculum_membership WHERE person_id = 0",
    )

    chain.up_to("0008", after=revision)
    before = snapshot(chain).tables
    chain.down_to("0005", before="0008")
    chain.up_to("0008", after="0005")

    assert snapshot(chain).tables == before
