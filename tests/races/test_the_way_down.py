"""The downgrade of 0005: the archive is reconciled under writers, and takes its name back."""

from __future__ import annotations

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import HAND_BACK, Moment
from tests.races.pilot import Pilot
from tests.races.race import OnStage, Timing, fly, follows_both_ways, of_each
from tests.races.stages import Subject
from tests.races.tables import COPY
from tests.races.writes import WRITES

SINCE = (
    "UPDATE s.narrow SET rotation = 'since', score = score + 0.000 WHERE id % 10 = 3",
    "DELETE FROM s.narrow WHERE id BETWEEN 580 AND 582",
    "INSERT INTO s.narrow (person_id, programme, curriculum) VALUES (1, 1, 1), (2, 2, 2)",
    # A unique value goes from the last batch of the reconciliation to the first.
    "UPDATE s.narrow SET badge = NULL WHERE id = 591",
    "UPDATE s.narrow SET badge = 'b591' WHERE id = 1",
)


@pytest.mark.parametrize("subject, moment, timing, isolation", of_each(HAND_BACK))
def test_no_write_is_lost_while_the_table_is_handed_back(
    subject: Subject,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """At the begin the archive is out of date in every way."""
    url = subject.at(template_database, "0005", *SINCE, called=", apart")
    with Pilot(url, plan=subject.plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, WRITES, table=subject.written(COPY),
            sound=subject.sound)  # fmt: skip
    follows_both_ways(url, sound=subject.sound)
