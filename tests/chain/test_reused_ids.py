"""An id that is given again at a later stage: the row is another one, and gets nothing of it."""

from __future__ import annotations

import re

import pytest

from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Chain
from tests.chain.killing import Moments, go
from tests.fixtures.chains import ChainAt

PARENT = "'bbbbbbbb-0000-4000-8000-000000000001'"
CHILD = "public.curriculum_membership"


def loser(chain: Chain) -> tuple[int, str]:
    """A child whose own rotation lost, and what it lost to."""
    (found,) = chain.query(
        'SELECT r."child id", r.by_rotation FROM public_refactor.programme_membership_replaced'
        " AS r WHERE r.lost_rotation AND r.by_rotation IS NOT NULL ORDER BY 1 LIMIT 1"
    )
    return found


def another(id: int, rotation: str) -> tuple[str, str]:
    """Another parent, with a child that bears the id and one that is later."""
    return (
        "INSERT INTO public.programme_membership (uuid, person_id, programme_id, rotation,"
        f" amended_date) VALUES ({PARENT}, 9, 9, '{rotation}', '2023-01-01')",
        f"INSERT INTO {CHILD} (id, programme_membership_uuid, curriculum_id, amended_date)"
        f" OVERRIDING SYSTEM VALUE VALUES ({id}, {PARENT}, 1, '2024-01-01'),"
        f" (9000, {PARENT}, 2, '2025-01-01')",
    )


@pytest.mark.parametrize("how", ["DELETE", "TRUNCATE"])
@pytest.mark.parametrize("revision", ["0008", "0009", "0010", "0011"])
def test_a_row_with_an_old_id_keeps_its_parent_s_values_on_the_way_down(
    revision: str, how: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    id, won = loser(chain)
    chain.run(
        f"TRUNCATE {CHILD}" if how == "TRUNCATE" else f"DELETE FROM {CHILD} WHERE id = {id}",
        "DELETE FROM public.programme_membership AS p WHERE NOT EXISTS"
        f" (SELECT FROM {CHILD} AS c WHERE c.programme_membership_uuid = p.uuid)",
        *another(id, won),
    )
    chain.down_to("0007", before=revision)
    assert chain.query(
        f"SELECT rotation, amended_date::date::text FROM {CHILD} WHERE id = {id}"
    ) == [(won, "2024-01-01")]


def test_a_row_that_goes_while_0009_remembers_takes_its_entry_along(chain_at: ChainAt) -> None:
    """Capture is off by then: nothing follows the deletion, and a later row may bear the id."""
    chain = chain_at("0008")
    id, won = loser(chain)
    moment = Moments(
        re.compile(r'DELETE FROM \S*replaced" AS r'),
        1,
        lambda: chain.run(f"DELETE FROM {CHILD} WHERE id = {id}"),
    )
    go(chain, "0009", Direction.UP, engine=watched(chain.url, moment))
    assert moment.count == 1
    chain.run(*another(id, won))
    chain.down_to("0007", before="0009")
    assert chain.query(f"SELECT rotation FROM {CHILD} WHERE id = {id}") == [(won,)]
