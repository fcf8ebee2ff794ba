"""Parallel saving begins and ends, up and down, among writers of both styles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from membership_refactor.planning import TableSplit
from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import MEASURED, Halt, Moment
from tests.races.families import assert_families
from tests.races.pilot import Pilot
from tests.races.race import OnStage, Timing, every_order, fly
from tests.races.stages import built_to, name_of
from tests.races.tables import COMPOSITE, COMPOSITE_KEPT, COPY, KEPT, PLAN, assert_parents
from tests.races.writes import OF_FAMILIES, UNUSUAL, WRITES, Write

PLANS = [
    PLAN,
    *(pytest.param(p, marks=pytest.mark.slow) for p in (KEPT, COMPOSITE, COMPOSITE_KEPT)),
]
FENCE = r"DO \$fence\$"
LOCK: Halt = (r'LOCK TABLE "s"\."narrow"', True)


def batch(function: str) -> Halt:
    return rf'SELECT "s_refactor"\."m_{function}"\(', True


def moved(revision: str, function: str, after: Halt) -> Moment:
    """A batch function of a downgrade, run over the first rows."""
    return Moment(function, revision, (batch(function),), batch(function)[0], after, True)


SAVED = Moment("saving", "0008", (LOCK,), FENCE, MEASURED)
RECORDED = (
    Moment("recording", "0008", (LOCK,), FENCE, MEASURED, True),
    moved("0008", "fill_kept", batch("fill_uuid_map")),
    moved("0008", "fill_uuid_map", LOCK),
)
DERIVED = Moment("deriving", "0008", (batch("fill_uuid_map"), LOCK), FENCE, MEASURED, True)
FROZEN = Moment("freezing", "0009", (LOCK,), FENCE, MEASURED)
REFRESHED = (
    Moment("capturing", "0009", (LOCK,), FENCE, MEASURED, True),
    moved("0009", "refresh", LOCK),
    Moment("saving", "0009", (batch("refresh"), LOCK), FENCE, MEASURED, True),
)


@pytest.mark.parametrize("writes", [WRITES, UNUSUAL], ids=["plain", "unusual"])
@pytest.mark.parametrize("moment, timing, isolation", every_order((SAVED,)))
def test_no_old_style_write_is_lost_while_parallel_saving_begins(
    moment: Moment,
    timing: Timing,
    isolation: str,
    writes: Sequence[Write],
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(name_of("0007"), built_to("0007"))
    with Pilot(url) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, writes, table=COPY,
            sound=assert_families)  # fmt: skip


@pytest.mark.parametrize(
    "plan", PLANS, ids=["all leave", "two kept", "two ids", "two ids, one kept"]
)
@pytest.mark.parametrize("writes", [WRITES, OF_FAMILIES], ids=["old-style", "new-style"])
@pytest.mark.parametrize("moment, timing, isolation", every_order((*RECORDED, DERIVED)))
def test_no_write_is_lost_while_parallel_saving_is_taken_back(
    plan: TableSplit,
    moment: Moment,
    timing: Timing,
    isolation: str,
    writes: Sequence[Write],
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """New-style writers are told that the parent is closed, once it is."""
    url = template_database(name_of("0008", plan), built_to("0008", plan))
    with Pilot(url, plan=plan) as pilot:
        fly(
            pilot,
            on_stage(url),
            moment,
            timing,
            isolation,
            writes,
            table=COPY,
            sound=partial(assert_parents, timed=False),
            also=CLOSED if moment is DERIVED else (),
        )


CLOSED = ("55000", "23502", "23514")


@pytest.mark.parametrize(
    "plan", PLANS, ids=["all leave", "two kept", "two ids", "two ids, one kept"]
)
@pytest.mark.parametrize("moment, timing, isolation", every_order((FROZEN, *REFRESHED)))
def test_no_new_style_write_is_lost_while_the_deprecated_columns_are_frozen_or_come_back(
    plan: TableSplit,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    before = moment.revision if moment.down else "0008"
    url = template_database(name_of(before, plan), built_to(before, plan))
    sound = (
        assert_families if moment.down else partial(assert_families, values=False, childless=True)
    )
    with Pilot(url, plan=plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, OF_FAMILIES, table=COPY,
            also=("23502", "23503") if plan.keep else (), sound=sound)  # fmt: skip
