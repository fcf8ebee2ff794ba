"""Verify with writers at work, interrupted, alone, and from the command line."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from membership_refactor.cli import main
from membership_refactor.database import libpq_url
from membership_refactor.errors import RefactorError, StepOutOfOrder
from membership_refactor.execution.progress import Progress
from membership_refactor.inspect.all_comparisons import repair_all, verify_all
from membership_refactor.inspect.verify import verify
from membership_refactor.sql.comparisons.comparison import Comparison
from tests.chain.driver import Chain
from tests.chain.subjects import MEMBERSHIP, ODD
from tests.fixtures.sessions import Stage
from tests.fixtures.steps import STEPS
from tests.inspect.corruptions import Place
from tests.inspect.tables import at, tamper

QUIET = Progress(quiet=True)
STAGES = ("0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011")
PASSES = 25
"""At each of nine stages."""


def sides(chain: Chain, revision: str) -> tuple[Comparison, ...]:
    runner = chain.runner()
    with runner.sessions("test").open() as pg:
        return STEPS[revision].compares(runner.situation(pg))


def write(chain: Chain, revision: str, stop: threading.Event, count: list[int]) -> None:
    """Inserts, changes and deletes rows in the way of the stage until it is told to stop."""
    old = "INSERT INTO {} (person_id, programme_id, curriculum_id, rotation) VALUES ({}, 1, 1, 'n')"
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        pg.execute("SET search_path = public")
        n = 0
        while not stop.is_set():
            n += 1
            if revision >= "0008":
                texts = [
                    f"WITH p AS (INSERT INTO programme_membership (person_id, programme_id, "
                    f"programme_start_date) VALUES (1, 2, date '2030-01-01' + {n}) RETURNING uuid) "
                    "INSERT INTO curriculum_membership (programme_membership_uuid, curriculum_id) "
                    "SELECT uuid, 1 FROM p",
                    f"UPDATE programme_membership SET rotation = 'u{n}' WHERE person_id = 1",
                    "DELETE FROM curriculum_membership WHERE id > 12 AND id % 3 = 0",
                ]
            else:
                table = "programme_membership" if revision < "0005" else "curriculum_membership"
                texts = [
                    old.format(table, n % 3 + 1),
                    f"UPDATE {table} SET rotation = 'u{n}', person_id = {n % 3 + 1} "
                    "WHERE id % 5 = 1",
                    f"DELETE FROM {table} WHERE id > 12 AND id % 3 = 0",
                ]
            for text in texts:
                pg.execute(text.encode())
            count[0] += len(texts)


@pytest.mark.slow
@pytest.mark.parametrize("revision", STAGES)
def test_writers_cause_no_false_alarm(revision: str, template_database: Any) -> None:
    chain = at(revision, MEMBERSHIP, template_database)
    runner, stop, count = chain.runner(), threading.Event(), [0]
    writer = threading.Thread(target=write, args=(chain, revision, stop, count))
    writer.start()
    try:
        sessions = runner.sessions("verify")
        for _ in range(PASSES):
            before = count[0]
            for comparison in sides(chain, revision):
                verdict = verify(
                    sessions, runner.ledger, comparison, workers=2, progress=QUIET, range_rows=5
                )
                assert verdict.findings == ()
                assert verdict.ranges > 1
            assert writer.is_alive(), "the writer failed"
    finally:
        stop.set()
        writer.join()
    assert count[0] > before > 0


class Interrupted(BaseException):
    """Ends a verify as Ctrl-C would."""


@pytest.mark.parametrize("subject", [MEMBERSHIP, ODD], ids=["bigint key", "text key"])
def test_an_interrupted_verify_goes_on_where_it_stopped(
    subject: Any, template_database: Any
) -> None:
    chain = at("0004", subject, template_database)
    place = Place(chain)
    tamper(chain, *(f"DELETE FROM {place.copy} WHERE {place.of_child(n)}" for n in (1, 10)))
    runner = chain.runner()
    (comparison,) = sides(chain, "0004")
    seen: list[str] = []

    def until(limit: int) -> Comparison:
        def rows(left: str, right: str) -> str:
            if len(seen) == limit:
                raise Interrupted
            seen.append(left)
            return comparison.rows(left, right)

        return replace(comparison, rows=rows)

    sessions = runner.sessions("verify")
    with pytest.raises(Interrupted):
        verify(sessions, runner.ledger, until(2), workers=1, progress=QUIET, range_rows=3)
    verdict = verify(sessions, runner.ledger, until(99), workers=1, progress=QUIET, range_rows=3)
    assert len(seen) == len(set(seen)) == verdict.ranges == 5
    assert verdict.rows == 12
    assert {f.difference for f in verdict.findings} == {"missing"}
    assert len(verdict.findings) == 2
    again = verify(sessions, runner.ledger, until(99), workers=1, progress=QUIET, range_rows=3)
    assert again.findings == verdict.findings
    assert len(seen) == 10


def test_what_was_interrupted_before_the_chain_moved_is_begun_anew(template_database: Any) -> None:
    chain = at("0004", MEMBERSHIP, template_database)
    runner = chain.runner()
    (comparison,) = sides(chain, "0004")

    def failing(left: str, right: str) -> str:
        if '"id" >' in left:
            raise Interrupted
        return comparison.rows(left, right)

    sessions = runner.sessions("verify")
    broken = replace(comparison, rows=failing)
    with pytest.raises(Interrupted):
        verify(sessions, runner.ledger, broken, workers=1, progress=QUIET, range_rows=3)
    chain.down("0004")
    chain.up("0004")
    place = Place(chain)
    tamper(chain, f"DELETE FROM {place.copy} WHERE {place.of_child(0)}")
    verdict = verify(sessions, runner.ledger, comparison, workers=1, progress=QUIET, range_rows=3)
    assert [f.key for f in verdict.findings] == ["1"]


def test_nothing_is_said_about_a_chain_that_moved_meanwhile(template_database: Any) -> None:
    chain = at("0004", MEMBERSHIP, template_database)
    runner = chain.runner()
    (comparison,) = sides(chain, "0004")
    moved: list[bool] = []

    def rows(left: str, right: str) -> str:
        if not moved:
            moved.append(True)
            chain.down("0004")
            chain.up("0004")
        return comparison.rows(left, right)

    with pytest.raises(StepOutOfOrder, match="a step ran during the comparison"):
        verify(
            runner.sessions("verify"),
            runner.ledger,
            replace(comparison, rows=rows),
            workers=1,
            progress=QUIET,
        )


def interrupted(chain: Chain, comparison: Comparison) -> None:
    """Ranges of three rows, the first two done."""
    runner, seen = chain.runner(), [0]

    def rows(left: str, right: str) -> str:
        seen[0] += 1
        if seen[0] == 3:
            raise Interrupted
        return comparison.rows(left, right)

    broken = replace(comparison, rows=rows)
    sessions = runner.sessions("verify")
    with pytest.raises(Interrupted):
        verify(sessions, runner.ledger, broken, workers=1, progress=QUIET, range_rows=3)


@pytest.mark.parametrize(("hours", "found"), [(23, ()), (25, ("1",))])
def test_ranges_of_an_interrupted_run_are_trusted_for_a_day(
    hours: int, found: tuple[str, ...], template_database: Any
) -> None:
    chain = at("0004", MEMBERSHIP, template_database)
    (comparison,) = sides(chain, "0004")
    interrupted(chain, comparison)
    place, runner = Place(chain), chain.runner()
    tamper(chain, f"DELETE FROM {place.copy} WHERE {place.of_child(0)}")
    batches = runner.ledger.table("batch")
    steps = runner.ledger.table("step")
    chain.run(
        f"UPDATE {batches} SET claimed_at = claimed_at - interval '{hours} hours'",
        f"UPDATE {steps} SET ended_at = ended_at - interval '48 hours'",
    )
    ((began,),) = chain.query(
        "SELECT to_char(min(claimed_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') "
        f"FROM {batches} WHERE job LIKE 'verify %'"
    )
    said = io.StringIO()
    verdict = verify(
        runner.sessions("verify"), runner.ledger, comparison, workers=1, progress=Progress(said)
    )
    assert tuple(f.key for f in verdict.findings) == found
    line = (
        "comparing source and copy: 2 of 5 ranges come from an interrupted run "
        f"that began at {began} UTC"
    )
    assert (line in said.getvalue().splitlines()) == (found == ())


def test_ranges_that_an_older_version_cut_along_another_key_are_forgotten(
    template_database: Any,
) -> None:
    chain = at("0009", MEMBERSHIP, template_database)
    ledger = chain.runner().ledger
    (comparison,) = sides(chain, "0009")
    job = f"('{chain.plan.name}', 'verify stop_parallel_save {comparison.name}'"
    chain.run(
        f"INSERT INTO {ledger.table('batch')} (plan, job, n, first, last, rows) VALUES "
        f"{job}, 1, NULL, '500000', 500000), {job}, 2, '500000', NULL, 10)"
    )
    assert [v.rows for v in verify_all(chain.runner()).verdicts] == [12]
    left = f"SELECT count(*) FROM {ledger.table('batch')} WHERE job LIKE 'verify %'"
    assert chain.value(left) == 0


def test_a_range_that_fails_because_the_chain_was_moved_says_so(template_database: Any) -> None:
    """0006 drops a column of the table that is still being compared."""
    chain = at("0004", MEMBERSHIP, template_database)
    (comparison,) = sides(chain, "0004")
    runner, seen = chain.runner(), [0]

    def rows(left: str, right: str) -> str:
        seen[0] += 1
        if seen[0] == 2:
            chain.up("0005", "0006")
        return comparison.rows(left, right)

    moved, sessions = replace(comparison, rows=rows), runner.sessions("verify")
    with pytest.raises(StepOutOfOrder, match="a step ran during the comparison") as refused:
        verify(sessions, runner.ledger, moved, workers=1, progress=QUIET, range_rows=3)
    assert isinstance(refused.value.__cause__, psycopg.Error)
    assert verify_all(chain.runner()).count == 0


def test_a_range_that_fails_by_itself_is_not_said_to_be_a_move(template_database: Any) -> None:
    chain = at("0004", MEMBERSHIP, template_database)
    (comparison,) = sides(chain, "0004")
    wrong, runner = replace(comparison, rows=lambda left, right: "SELECT 1 / 0"), chain.runner()
    with pytest.raises(psycopg.errors.DivisionByZero):
        verify(runner.sessions("verify"), runner.ledger, wrong, workers=1, progress=QUIET)


def test_half_a_step_is_not_compared(template_database: Any) -> None:
    chain = at("0003", MEMBERSHIP, template_database)
    ledger = chain.runner().ledger
    chain.run(f"UPDATE {ledger.table('step')} SET state = 'open' WHERE step = 'copy_table'")
    with pytest.raises(StepOutOfOrder, match="step 0003 copy_table is open up"):
        verify_all(chain.runner())


def test_two_verifies_do_not_share_their_ranges(template_database: Any) -> None:
    chain = at("0003", MEMBERSHIP, template_database)
    runner = chain.runner()
    (comparison,) = sides(chain, "0003")
    refused: list[str] = []

    def rows(left: str, right: str) -> str:
        with pytest.raises(RefactorError) as second:
            verify_all(chain.runner())
        refused.append(str(second.value))
        return comparison.rows(left, right)

    slow = replace(comparison, rows=rows)
    verify(runner.sessions("verify"), runner.ledger, slow, workers=1, progress=QUIET)
    assert refused == ["another verify of this schema is running. Wait until it has ended."]


def test_nothing_stands_before_the_first_step(template_database: Any) -> None:
    chain = at("0002", MEMBERSHIP, template_database)
    assert verify_all(chain.runner()).verdicts == ()


# --- repair -------------------------------------------------------------------------------------


def test_a_writer_older_than_a_repair_is_told_to_retry(template_database: Any) -> None:
    """Its snapshot cannot see what repair wrote, so its write would leave the sides apart."""
    chain = at("0004", MEMBERSHIP, template_database)
    place = Place(chain)
    tamper(chain, f"DELETE FROM {place.copy} WHERE {place.of_child(0)}")
    for isolation in ("REPEATABLE READ", "SERIALIZABLE"):
        with Stage(chain.url) as stage:
            old = stage.session("old", isolation)
            old.begin()
            old.run("SELECT count(*) FROM programme_membership")
            verified = verify_all(chain.runner())
            assert verified.count == 1
            repair_all(chain.runner(), verified)
            write = "UPDATE public.programme_membership SET rotation = 'x' WHERE id = 5"
            assert old.outcome(write) == "40001"
        tamper(chain, f"DELETE FROM {place.copy} WHERE {place.of_child(0)}")


def test_a_repair_waits_for_no_more_than_a_moment_behind_a_writer(template_database: Any) -> None:
    """The writer's row is locked; repair gives up in good time, names it, and changes nothing."""
    chain = at("0004", MEMBERSHIP, template_database)
    place = Place(chain)
    tamper(chain, f"DELETE FROM {place.copy} WHERE {place.of_child(0)}")
    verified = verify_all(chain.runner())
    with psycopg.connect(libpq_url(chain.url), application_name="a writer") as writer:
        writer.execute("UPDATE public.programme_membership SET rotation = 'x' WHERE id = 5")
        impatient = replace(chain, options=replace(chain.options, lock_timeout=1))
        with pytest.raises(RefactorError, match="a writer"):
            repair_all(impatient.runner(), verified)
    assert verify_all(chain.runner()).count == 1


def test_a_finding_that_has_gone_by_itself_is_left_alone(template_database: Any) -> None:
    chain = at("0004", MEMBERSHIP, template_database)
    place = Place(chain)
    tamper(
        chain,
        f"DELETE FROM {place.copy} WHERE {place.of_child(0)}",
        f"UPDATE {place.copy} SET rotation = 'wrong' WHERE {place.of_child(1)}",
    )
    verified = verify_all(chain.runner())
    chain.run("UPDATE public.programme_membership SET rotation = 'right' WHERE id = 2")
    ((_, repaired),) = repair_all(chain.runner(), verified)
    assert [f.key for f in repaired.mended] == ["1"]
    assert repaired.agreed == ("2",)
    assert verify_all(chain.runner()).count == 0


def test_repair_keeps_what_stood_there_before(template_database: Any) -> None:
    chain = at("0004", MEMBERSHIP, template_database)
    place = Place(chain)
    tamper(chain, f"UPDATE {place.copy} SET rotation = 'wrong' WHERE {place.of_child(1)}")
    repair_all(chain.runner(), verify_all(chain.runner()))
    ledger = chain.runner().ledger
    ((key, difference, columns, was),) = chain.query(
        f"SELECT key, difference, columns, was FROM {ledger.table('repair')}"
    )
    assert (key, difference, columns, was["rotation"]) == ("2", "different", ["rotation"], "wrong")


# --- the command line ---------------------------------------------------------------------------

Line = Callable[..., tuple[int, str]]


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    """Runs the command line on a database; its status and standard output."""

    def run(chain: Chain, *arguments: str) -> tuple[int, str]:
        url = make_url(chain.url).render_as_string(hide_password=False)
        with pytest.raises(SystemExit) as ended:
            main(["-x", f"url={url}", *arguments])
        return int(str(ended.value.code)), capsys.readouterr().out

    return run


def test_the_verbs_show_and_mend(line: Line, template_database: Any) -> None:
    chain = at("0004", MEMBERSHIP, template_database)
    assert line(chain, "verify")[0] == 0
    place = Place(chain)
    tamper(chain, f"UPDATE {place.copy} SET rotation = 'wrong' WHERE {place.of_child(1)}")
    status, text = line(chain, "verify", "--workers", "2")
    assert status == 1
    assert "0004 source and copy: 12 rows in 1 range" in text
    assert "different 2  rotation" in text
    status, text = line(chain, "verify", "--format", "json")
    (found,) = json.loads(text)["comparisons"]
    assert status == 1
    assert found["findings"] == [{"key": "2", "difference": "different", "columns": ["rotation"]}]
    assert (found["ranges"], found["rows"]) == (1, 12)
    assert found["seconds"] > 0
    status, text = line(chain, "repair")
    assert (status, "repair --apply" in text) == (1, True)
    assert line(chain, "verify")[0] == 1
    status, text = line(chain, "repair", "--apply", "--format", "json")
    (repaired,) = json.loads(text)["repairs"]
    assert status == 0
    assert [m["key"] for m in repaired["mended"]] == ["2"]
    assert line(chain, "verify")[0] == 0
    assert line(chain, "repair", "--apply")[0] == 0
