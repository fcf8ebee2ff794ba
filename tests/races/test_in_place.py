"""The link of a table that is split in place: every write in every order around its filling."""

from __future__ import annotations

from dataclasses import replace

import pytest

from membership_refactor.inspect.all_comparisons import verify_all
from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import MEASURED, Moment, _before, moves, record
from tests.races.pilot import Pilot
from tests.races.race import AFTERMATH, OnStage, Timing, every_order, fly
from tests.races.stages import tables_at
from tests.races.tables import PLAN, execute, query, wrong_links, wrong_parents
from tests.races.writes import CASCADES, WRITES

IN_PLACE = replace(PLAN, copy=None, retired="", parent="family")
TABLE, PARENT = "s.wide", "s.family"

_LOCK, _FILL = _before(r'LOCK TABLE "s"\."wide"'), r'SELECT "s_refactor"\."m_fill_link"\('
FILLING = (
    Moment("adding the link", "0006", (_LOCK,), r"ADD COLUMN", MEASURED),
    Moment("first batch", "0006", (_before(_FILL),), _FILL, _before(_FILL)),
    Moment("second batch", "0006", (_before(_FILL), _before(_FILL)), _FILL,
           _before(r"INDEX CONCURRENTLY")),
)  # fmt: skip
REMOVING = (Moment("dropping the link", "0006", (_LOCK, _LOCK, _LOCK), r"DROP COLUMN", MEASURED,
                   True),)  # fmt: skip
REBUILDING = (
    replace(record("0006", "wide"), way=(_before(r"INDEX CONCURRENTLY"), _LOCK)),
    *moves("0007", "parent", "wide"),
)


def assert_linked(url: str) -> None:
    wrong = query(url, wrong_links(TABLE))
    assert not wrong, f"{len(wrong)} links wrong: {wrong[:8]}"


def assert_parents(url: str) -> None:
    wrong = query(url, wrong_parents(child=TABLE, parent=PARENT))
    assert not wrong, f"{len(wrong)} parents wrong: {wrong[:8]}"


@pytest.mark.parametrize("moment, timing, isolation", every_order(FILLING))
def test_every_row_has_its_link_whatever_is_written_while_it_is_filled(
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    url = template_database(tables_at("0005", IN_PLACE))
    with Pilot(url, plan=IN_PLACE) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, (*WRITES, *CASCADES), table=TABLE,
            sound=assert_linked)  # fmt: skip
        pilot.upgrade("0007")
    assert_parents(url)
    for text in AFTERMATH:
        execute(url, text.format(t=TABLE))
        assert_parents(url)


@pytest.mark.slow
@pytest.mark.parametrize("moment, timing, isolation", every_order(REBUILDING))
def test_no_write_to_the_table_is_lost_while_its_parents_are_made(
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    recording = moment.revision == "0006"
    before = "0005" if recording else "0006"
    url = template_database(tables_at(before, IN_PLACE))
    with Pilot(url, plan=IN_PLACE) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, (*WRITES, *CASCADES), table=TABLE,
            sound=None)  # fmt: skip
        if recording:
            pilot.upgrade("0007")
    assert_parents(url)


@pytest.mark.parametrize("moment, timing, isolation", every_order(REMOVING))
def test_no_write_is_lost_while_the_link_is_dropped(
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    """A writer that knows nothing of the link meets no error but a lock."""
    url = template_database(tables_at("0006", IN_PLACE))
    with Pilot(url, plan=IN_PLACE) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, (*WRITES, *CASCADES), table=TABLE,
            sound=None)  # fmt: skip
        pilot.upgrade("0006", "0007")
    assert_linked(url)
    assert_parents(url)


_BOTH = r'LOCK TABLE "s"\."wide" IN {} MODE'
LINKING = (
    Moment("switch", "0008", (_before(_BOTH.format("SHARE ROW EXCLUSIVE")),), r"DO \$fence\$",
           MEASURED),
    Moment("derivation", "0008", (_before(_BOTH.format("ACCESS EXCLUSIVE")),), r"DO \$fence\$",
           MEASURED, True),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("moment, timing, isolation", every_order(LINKING))
def test_table_and_parents_agree_whatever_is_written_around_the_linking(
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    before = "0008" if moment.down else "0007"
    url = template_database(tables_at(before, IN_PLACE))
    with Pilot(url, plan=IN_PLACE) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, WRITES, table=TABLE, sound=None)
        verified = verify_all(pilot.runner)
        assert not [f for v in verified.verdicts for f in v.findings]
        if moment.down:
            assert_linked(url)
            pilot.upgrade("0008")
        else:
            pilot.downgrade("0008", "0007", "0006")


MOVED = "UPDATE s.wide SET id = 5 WHERE id = 591"
"""From the second range into the first, which has been filled by then."""


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_a_row_that_moves_behind_the_filling_gets_its_link(
    isolation: str, template_database: TemplateDatabase, on_stage: OnStage
) -> None:
    url = template_database(tables_at("0005", IN_PLACE))
    writer = on_stage(url).session("writer", isolation)
    with Pilot(url, plan=IN_PLACE) as pilot:
        pilot.start(lambda runner: runner.upgrade("create_parent"), until=_FILL, before=True)
        writer.begin()
        pilot.until(_FILL, before=True)  # the second range
        assert writer.outcome(MOVED) == ""
        assert writer.commit() == ""
        pilot.finish()
    assert_linked(url)
    assert query(url, "SELECT count(*) FROM s.wide WHERE id = 5") == [(1,)]
