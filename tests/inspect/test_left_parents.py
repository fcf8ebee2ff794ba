"""A parent that is left while 0008 goes down: nothing of it is lost in silence."""

from __future__ import annotations

import re
from typing import Any

from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from tests.chain.killing import Moments, go
from tests.chain.subjects import MEMBERSHIP
from tests.inspect.corruptions import V4, Place
from tests.inspect.tables import at, tamper


def test_a_parent_that_is_left_after_the_question_goes_and_is_recorded(
    template_database: Any,
) -> None:
    """The refusal asks before anything is changed; an old-style writer may be faster."""
    chain = at("0008", MEMBERSHIP, template_database)
    chain.run(
        "INSERT INTO public.programme_membership (uuid, person_id, programme_id) "
        f"VALUES ('{V4}', 9, 9)",
        "INSERT INTO public.curriculum_membership (programme_membership_uuid, curriculum_id) "
        f"VALUES ('{V4}', 1)",
    )
    moment = Moments(
        re.compile("fill_kept"),
        1,
        lambda: chain.run("DELETE FROM public.curriculum_membership WHERE person_id = 9"),
    )
    go(chain, "0008", Direction.DOWN, engine=watched(chain.url, moment))
    assert moment.count > 0
    assert chain.value(f"SELECT count(*) FROM {chain.names.parent} WHERE uuid = '{V4}'") == 0
    assert verify_all(chain.runner()).count == 0
    events = chain.query(
        f"SELECT detail FROM {chain.runner().ledger.table('event')} "
        "WHERE event = 'childless parent went'"
    )
    assert [(e["uuid"], e["person_id"]) for (e,) in events] == [(V4, 9)]


def test_a_parent_made_again_under_the_uuid_of_an_emptied_one_is_not_excused(
    template_database: Any,
) -> None:
    """The entry of the emptied one outlived it, and the new one was lost in silence."""
    chain = at("0009", MEMBERSHIP, template_database)
    place = Place(chain)
    uuid = place.parent_of(0)
    chain.run(f"DELETE FROM {place.copy} WHERE {place.link} = '{uuid}'")
    chain.down("0009")
    assert verify_all(chain.runner()).count == 0
    emptied = f"SELECT uuid::text FROM {chain.names.own('emptied')}"
    assert chain.query(emptied) == [(uuid,)]
    chain.run(
        f"DELETE FROM {place.parent} WHERE {place.uuid} = '{uuid}'",
        f"INSERT INTO {place.copy} (person_id, programme_id, programme_start_date, curriculum_id) "
        "VALUES (1, 1, '2020-01-01', 1)",
    )
    assert chain.query(f"SELECT {place.link}::text FROM {place.copy} WHERE id > 12") == [(uuid,)]
    assert chain.query(emptied) == []
    tamper(chain, f"DELETE FROM {place.copy} WHERE id > 12")
    (finding,) = [f for v in verify_all(chain.runner()).verdicts for f in v.findings]
    assert (finding.key, finding.difference) == (uuid, "extra")
