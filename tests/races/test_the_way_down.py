"""The downgrade of 0005: the archive is reconciled under writers, and takes its name back."""

from __future__ import annotations

import pytest

from membership_refactor.planning import TableSplit
from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import HAND_BACK, Moment
from tests.races.pilot import Pilot
from tests.races.race import OnStage, Sound, Timing, fly, follows_both_ways, of_both
from tests.races.stages import built_to, name_of
from tests.races.tables import COPY, execute
from tests.races.writes import WRITES

SINCE = (
    "UPDATE s.narrow SET rotation = 'since', score = score + 0.000 WHERE id % 10 = 3",
    "DELETE FROM s.narrow WHERE id BETWEEN 580 AND 582",
    "INSERT INTO s.narrow (person_id, programme, curriculum) VALUES (1, 1, 1), (2, 2, 2)",
    # A unique value goes from the last batch of the reconciliation to the first.
    "UPDATE s.narrow SET badge = NULL WHERE id = 591",
    "UPDATE s.narrow SET badge = 'b591' WHERE id = 1",
)


@pytest.mark.parametrize("plan, sound, moment, timing, isolation", of_both(HAND_BACK))
def test_no_write_is_lost_while_the_table_is_handed_back(
    plan: TableSplit,
    sound: Sound,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    def build(url: str) -> None:
        """At 0005, the archive out of date in every way."""
        built_to("0005", plan)(url)
        execute(url, *SINCE)

    url = template_database(f"{name_of('0005', plan)}, apart", build)
    with Pilot(url, plan=plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, WRITES, table=COPY, sound=sound)
    follows_both_ways(url, sound=sound)
