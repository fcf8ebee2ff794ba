"""A parent that is left while 0008 goes down: nothing of it is lost in silence."""

from __future__ import annotations

import re
from typing import Any

from membership_refactor.execution.inspection import inspect
from membership_refactor.steps.step import Direction
from tests.chain.killing import Moments, go, watched
from tests.chain.subjects import MEMBERSHIP
from tests.verify.corruptions import V4
from tests.verify.tables import at


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
    assert inspect(chain.runner()).count == 0
    events = chain.query(
        f"SELECT detail FROM {chain.runner().ledger.table('event')} "
        "WHERE event = 'childless parent went'"
    )
    assert [(e["uuid"], e["person_id"]) for (e,) in events] == [(V4, 9)]
