"""Parallel saving begins and ends, up and down, among writers of both styles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from operator import attrgetter

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import MEASURED, Halt, Moment
from tests.races.families import assert_families
from tests.races.pilot import Pilot
from tests.races.race import (
    SPLIT,
    SPLIT_BY_HASH,
    OnStage,
    Timing,
    every_order,
    fly,
    plain_and_partitioned,
)
from tests.races.stages import Subject
from tests.races.tables import COMPOSITE, COMPOSITE_KEPT, COPY, KEPT, assert_parents
from tests.races.writes import OF_FAMILIES, UNUSUAL, WRITES, Write

OTHERS = (
    Subject(name="two kept", plan=KEPT),
    Subject(name="two ids", plan=COMPOSITE),
    Subject(name="two ids, one kept", plan=COMPOSITE_KEPT),
    SPLIT_BY_HASH,
)
each = pytest.mark.parametrize(
    "subject",
    [SPLIT, *(pytest.param(s, marks=pytest.mark.slow) for s in OTHERS)],
    ids=attrgetter("name"),
)
FENCE = r"DO \$fence\$"
LOCK: Halt = (r'LOCK TABLE (ONLY )?"s"\."narrow"', True)


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


def refused_moves(subject: Subject) -> tuple[str, ...]:
    """What an UPDATE answers that changes a column of the parent and moves the row, while both
    tables are saved."""
    return ("55000",) if subject.partitions is not None else ()


@pytest.mark.parametrize("writes", [WRITES, UNUSUAL], ids=["plain", "unusual"])
@plain_and_partitioned
@pytest.mark.parametrize("moment, timing, isolation", every_order((SAVED,)))
def test_no_old_style_write_is_lost_while_parallel_saving_begins(
    subject: Subject,
    moment: Moment,
    timing: Timing,
    isolation: str,
    writes: Sequence[Write],
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = subject.at(template_database, "0007")
    with Pilot(url, plan=subject.plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, writes, table=COPY,
            also=refused_moves(subject), sound=assert_families)  # fmt: skip


@each
@pytest.mark.parametrize("writes", [WRITES, OF_FAMILIES], ids=["old-style", "new-style"])
@pytest.mark.parametrize("moment, timing, isolation", every_order((*RECORDED, DERIVED)))
def test_no_write_is_lost_while_parallel_saving_is_taken_back(
    subject: Subject,
    moment: Moment,
    timing: Timing,
    isolation: str,
    writes: Sequence[Write],
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """New-style writers are told that the parent is closed, once it is."""
    url = subject.at(template_database, "0008")
    with Pilot(url, plan=subject.plan) as pilot:
        fly(
            pilot,
            on_stage(url),
            moment,
            timing,
            isolation,
            writes,
            table=COPY,
            sound=partial(assert_parents, timed=False),
            also=(*(CLOSED if moment is DERIVED else ()), *refused_moves(subject)),
        )


CLOSED = ("55000", "23502", "23514")


@each
@pytest.mark.parametrize("moment, timing, isolation", every_order((FROZEN, *REFRESHED)))
def test_no_new_style_write_is_lost_while_the_deprecated_columns_are_frozen_or_come_back(
    subject: Subject,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    before = moment.revision if moment.down else "0008"
    url = subject.at(template_database, before)
    sound = (
        assert_families if moment.down else partial(assert_families, values=False, childless=True)
    )
    with Pilot(url, plan=subject.plan) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, OF_FAMILIES, table=COPY,
            also=("23502", "23503") if subject.plan.keep else (), sound=sound)  # fmt: skip
