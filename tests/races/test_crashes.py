"""The mover's backend dies at every statement of a step; run again, it comes to the same end."""

from __future__ import annotations

import pytest

from membership_refactor.errors import StepInterrupted
from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import COPY, HAND_BACK, OPEN, PARENTS, Flight, Moment
from tests.races.pilot import Pilot
from tests.races.race import OnStage, follows_both_ways, plain_and_partitioned
from tests.races.stages import Subject
from tests.races.tables import COPY as THE_COPY
from tests.races.tables import SOURCE, assert_equal, assert_parents
from tests.races.timings import Writer, assert_landed
from tests.races.writes import LOW, WRITES, base_of

MOMENTS = (*COPY, OPEN, *HAND_BACK, *PARENTS)
DEATHS = [
    pytest.param(moment, when, id=f"{moment}, {when}",
                 marks=pytest.mark.slow if (n + m) % 2 else ())
    for n, moment in enumerate(MOMENTS)
    for m, when in enumerate(("before it is committed", "after it is committed"))
]  # fmt: skip


@plain_and_partitioned
@pytest.mark.parametrize("moment, when", DEATHS)
def test_a_mover_whose_backend_is_terminated_goes_on_where_it_stopped(
    subject: Subject,
    moment: Moment,
    when: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """Writers act while it is dead; some die as well, and their writes are gone."""
    before = {"0003": "0001", "0004": "0003", "0005": "0005", "0006": "0005"}.get(
        moment.revision, "0007" if moment.down else "0006"
    )
    url = subject.at(template_database, before)
    table = SOURCE if moment.revision < "0005" else THE_COPY
    parents = moment.revision > "0005"
    stage = on_stage(url)
    with Pilot(url, plan=subject.plan) as pilot:
        flight = Flight(pilot, moment, seeded=table)
        flight.middle()
        assert flight.worked
        if when == "after it is committed":
            flight.end()
        pilot.kill()
        pilot.go()
        pilot.wait()
        assert isinstance(pilot.error, StepInterrupted)
        acted = [
            Writer(stage.session(w.name, "REPEATABLE READ"), w, table, base_of(w, LOW))
            for w in WRITES
        ]
        outcomes = {}
        for number, writer in enumerate(acted):
            writer.begin()
            writer.act()
            if number % 4 == 3:
                assert all(step.outcome() == "" for step in writer.steps)
                stage.query("SELECT pg_terminate_backend(%s, 5000)", [writer.session.pid])
                outcomes[writer.write.name] = "killed"
            else:
                outcomes[writer.write.name] = writer.close()
        again = pilot.downgrade if moment.down else pilot.upgrade
        again(moment.revision)
        if parents and (moment.revision == "0006" or moment.down):
            pilot.upgrade("0007")
        if moment.revision == "0003":
            pilot.upgrade("0004")
    assert {o for o in outcomes.values() if o} == {"killed"}
    assert_landed(stage, acted, outcomes, table)
    if parents:
        assert_parents(url)
    else:
        assert_equal(url)
        follows_both_ways(url)
