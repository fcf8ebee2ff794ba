"""From the end of the chain down to any revision and up again: the same rows and uuids."""

from __future__ import annotations

import pytest

from membership_refactor.portrait import differences
from tests.chain.driver import REVISIONS, Chain, snapshot
from tests.fixtures.chains import ChainAt

EVERYDAY = ("0002", "0008")
TURNS = [
    pytest.param(turn, marks=() if turn in EVERYDAY else pytest.mark.slow)
    for turn in ("0002", *REVISIONS[:-1])
]
NEW = "'aaaaaaaa-0000-4000-8000-00000000000{n}'"
WRITES = (
    # A parent of the application's own uuid, with two children.
    f"INSERT INTO public.programme_membership (uuid, person_id, programme_id, rotation)"
    f" VALUES ({NEW.format(n=1)}, 9, 9, 'new')",
    f"INSERT INTO public.curriculum_membership (programme_membership_uuid, curriculum_id)"
    f" VALUES ({NEW.format(n=1)}, 1), ({NEW.format(n=1)}, 2)",
    # A key that moved and kept its uuid, and one that came to a key with gaps.
    "UPDATE public.programme_membership SET programme_membership_type = 'moved'"
    " WHERE programme_membership_type = 'MILITARY'",
    "UPDATE public.programme_membership SET programme_start_date = NULL, rotation = 'changed'"
    " WHERE programme_membership_type = ''",
    # A child that another parent got, and one that went.
    f"UPDATE public.curriculum_membership SET programme_membership_uuid = {NEW.format(n=1)}"
    " WHERE id = (SELECT min(id) FROM public.curriculum_membership)",
    "DELETE FROM public.curriculum_membership"
    " WHERE id = (SELECT max(id) FROM public.curriculum_membership WHERE id < 40)",
)  # fmt: skip


def turned(chain: Chain, turn: str) -> None:
    """Down to the revision, and up to the end again; twice, for what the first way leaves."""
    first = snapshot(chain)
    for way in ("once", "twice"):
        chain.down_to(turn)
        chain.up_to(REVISIONS[-1], after=turn)
        found = snapshot(chain)
        assert found.tables == first.tables, f"down to {turn} and up again {way}"
        assert differences(first.portrait, found.portrait) == (), way
        assert found.own == first.own, way


@pytest.mark.parametrize("turn", TURNS)
def test_the_end_is_the_same_whichever_revision_the_chain_was_taken_down_to(
    turn: str, chain_at: ChainAt
) -> None:
    turned(chain_at("0011"), turn)


@pytest.mark.parametrize("turn", TURNS)
def test_rows_written_at_the_end_are_the_same_too(turn: str, chain_at: ChainAt) -> None:
    chain = chain_at("0011")
    chain.run(*WRITES)
    turned(chain, turn)
