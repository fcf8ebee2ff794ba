"""The demo's weeks: gates open because the readers stopped, and stay closed while one reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from membership_refactor.database import libpq_url
from membership_refactor.demo.readers import AUDIT, OF_ARCHIVE, OF_SOURCE, REPORTS, Readers
from membership_refactor.demo.weeks import Weeks
from membership_refactor.errors import GateClosed, RefactorError
from tests.chain.driver import Subject
from tests.chain.subjects import MEMBERSHIP, OLD_SHAPE
from tests.fixtures.watched import Watched, WatchedAt

WeeksAt = Callable[..., tuple[Watched, Weeks]]


@pytest.fixture
def weeks_at(watched_at: WatchedAt, tmp_path: Path) -> WeeksAt:
    def make(revision: str, kind: str, subject: Subject = MEMBERSHIP) -> tuple[Watched, Weeks]:
        name = "fixed" if subject is MEMBERSHIP else "demo old shape"
        watched = watched_at(revision, subject, name).asking()
        dsn = libpq_url(watched.chain.url)
        readers = Readers(dsn, "public")
        weeks = Weeks(watched.chain.runner(), dsn, tmp_path, (), readers, [kind])
        weeks.begin()
        return watched, weeks

    return make


def test_a_gate_opens_two_weeks_after_its_last_reader_moved(weeks_at: WeeksAt) -> None:
    watched, weeks = weeks_at("0004", "old-style")
    gate = weeks.open("retire_source", moves=True)
    said = "; ".join(gate.refused)
    assert 'table "programme_membership" used once until' in said
    assert f"by {REPORTS} (pg_stat_statements)" in said
    assert "consumer reports has 4 references left" in said
    assert "consumer a" not in said, "others use only what goes later"
    assert (gate.revision, gate.days, gate.consumers) == ("0005", 16, 3)
    assert gate.last_use.startswith(REPORTS)
    assert gate.source == "pg_stat_statements"
    watched.chain.up("0005")
    assert watched.chain.query("SELECT * FROM public_refactor.acceptance") == []


@pytest.mark.slow
def test_each_gate_of_a_step_is_waited_for(weeks_at: WeeksAt) -> None:
    """drop_retired_table takes the archive away, and the view of the old shape."""
    watched, weeks = weeks_at("0010", "new-style", OLD_SHAPE)
    watched.run(
        f"GRANT USAGE ON SCHEMA public_old TO {AUDIT}",
        f"GRANT SELECT ON public_old.programme_membership TO {AUDIT}",
    )
    weeks.readers.reading = {AUDIT: "SELECT rotation FROM public_old.programme_membership LIMIT 1"}
    weeks.longest = 14
    with pytest.raises(RefactorError, match=f"0011 is still closed after 14 days: .*{AUDIT}"):
        weeks.open("drop_retired_table", moves=False)
    weeks.readers.reading, weeks.longest = {}, 60
    gate = weeks.open("drop_retired_table", moves=False)
    assert gate.target == (
        'table "programme_membership_retired", view of the old shape of "programme_membership"'
    )
    assert gate.last_use.startswith(AUDIT)


def test_a_gate_stays_closed_while_somebody_reads(weeks_at: WeeksAt) -> None:
    watched, weeks = weeks_at("0004", "old-style")
    weeks.longest = 14
    with pytest.raises(RefactorError, match=f"0005 is still closed after 14 days: .*{REPORTS}"):
        weeks.open("retire_source", moves=False)
    assert weeks.readers.reading == {REPORTS: OF_SOURCE}
    with pytest.raises(GateClosed, match=f"by {REPORTS}"):
        watched.chain.up("0005")


@pytest.mark.slow
def test_a_reader_of_the_archive_is_not_in_the_way_of_the_columns(weeks_at: WeeksAt) -> None:
    watched, weeks = weeks_at("0008", "new-style")
    weeks.readers.reading = {AUDIT: OF_ARCHIVE}
    assert weeks.open("stop_parallel_save", moves=False).days == 14
    watched.chain.up("0009")


@pytest.mark.slow
def test_an_application_that_writes_the_columns_is_in_the_way(weeks_at: WeeksAt) -> None:
    """By its SQL alone: it has not run for weeks."""
    _, weeks = weeks_at("0008", "old-style")
    weeks.readers.reading, weeks.longest = {}, 14
    with pytest.raises(RefactorError, match=r"days: consumer application has \d+ references left"):
        weeks.open("stop_parallel_save", moves=False)
