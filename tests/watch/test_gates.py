"""Gates open by evidence alone: weeks are played in seconds by the clock of the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from membership_refactor.errors import GateClosed
from tests.fixtures.watched import Watched, WatchedAt

DAY = timedelta(days=1)
T = "programme_membership"


def scanned(watched: Watched, *, findings: int = 0) -> None:
    watched.run(
        "INSERT INTO public_refactor.scan_outcome (plan, stage, consumer, clear, findings) "
        f"VALUES ('{watched.chain.plan.name}', 'copy', 'app', {findings == 0}, {findings})"
    )


def days(watched: Watched, count: int) -> None:
    """Take a sample a day for so many days."""
    for _ in range(count):
        watched.later(DAY)
        watched.sample()


def closed(watched: Watched, revision: str) -> str:
    with pytest.raises(GateClosed) as refused:
        watched.chain.up(revision)
    return str(refused.value)


@pytest.fixture
def at_0004(watched_at: WatchedAt) -> Watched:
    watched = watched_at("0004").asking()
    scanned(watched)
    watched.sample()
    return watched


def test_a_gate_opens_after_fourteen_silent_days_without_anybodys_word(at_0004: Watched) -> None:
    days(at_0004, 13)
    assert "no unbroken watch of 14 days" in closed(at_0004, "0005")
    days(at_0004, 1)
    at_0004.chain.up("0005")


def test_a_use_is_named_with_its_role_and_closes_the_gate_for_a_whole_window(
    at_0004: Watched,
) -> None:
    days(at_0004, 10)
    at_0004.run(f"SELECT count(*) FROM {T}")
    days(at_0004, 13)
    said = closed(at_0004, "0005")
    assert "used once until" in said
    assert "by postgres (pg_stat_statements)" in said
    days(at_0004, 2)
    at_0004.chain.up("0005")


def test_a_hole_is_named_and_the_window_begins_anew(at_0004: Watched) -> None:
    days(at_0004, 10)
    at_0004.run("SELECT pg_stat_statements_reset()")
    days(at_0004, 5)
    said = closed(at_0004, "0005")
    assert "it was not covered, because the statistics were reset or lost in a crash" in said
    days(at_0004, 10)
    at_0004.chain.up("0005")


def test_the_tools_own_work_and_checks_are_no_use(at_0004: Watched) -> None:
    before = at_0004.sample()
    at_0004.run("UPDATE public.curriculum_membership SET curriculum_end_date = '2030-01-01' "
                "WHERE id = 2")  # fmt: skip
    at_0004.chain.runner().read()
    seen = at_0004.sample()
    assert [o.uses for o in seen.values()] == [0 for _ in before]


def test_after_a_downgrade_a_gate_asks_anew(at_0004: Watched) -> None:
    days(at_0004, 14)
    at_0004.chain.up("0005")
    at_0004.sample()
    at_0004.chain.down("0005")
    at_0004.sample()
    assert "no unbroken watch of 14 days" in closed(at_0004, "0005")
    days(at_0004, 14)
    at_0004.chain.up("0005")


def test_the_word_of_a_dba_opens_a_gate_only_until_the_step_goes_down(
    watched_at: WatchedAt,
) -> None:
    watched = watched_at("0005")
    word = watched.chain
    watched = Watched(word, watched.server).asking()
    word.run(
        "INSERT INTO public_refactor.acceptance (plan, step, option, reason) "
        f"VALUES ('{word.plan.name}', 'retire_source', 'accept-usage', 'a test')"
    )
    watched.chain.down("0005")
    assert "no unbroken watch of 14 days" in closed(watched, "0005")


def test_a_downgrade_that_no_sample_has_seen_closes_the_gate(at_0004: Watched) -> None:
    days(at_0004, 14)
    at_0004.chain.up("0005")
    at_0004.chain.down("0005")
    assert "a step went down after the newest sample" in closed(at_0004, "0005")


def test_a_clock_that_went_back_begins_the_window_anew(at_0004: Watched) -> None:
    days(at_0004, 14)
    at_0004.later(-3 * DAY)
    at_0004.sample()
    days(at_0004, 4)
    assert "no unbroken watch of 14 days" in closed(at_0004, "0005")
    days(at_0004, 11)
    at_0004.chain.up("0005")


def test_time_that_was_only_played_is_no_watch_later(at_0004: Watched) -> None:
    days(at_0004, 14)
    at_0004.run(
        "UPDATE public_refactor.usage_sample SET state = jsonb_set(state, '{marks,read at}', "
        "to_jsonb(extract(epoch FROM now() - interval '2 days')::text))"
    )
    assert "the newest sample is older than 1 day" in closed(at_0004, "0005")


def test_a_statement_that_still_runs_closes_the_gate(at_0004: Watched) -> None:
    days(at_0004, 14)
    with at_0004.connect() as running:
        running.execute("BEGIN")
        running.execute(f"DECLARE c CURSOR FOR SELECT id FROM {T}".encode())
        at_0004.sample()
    assert "(running sessions)" in closed(at_0004, "0005")
