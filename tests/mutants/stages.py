"""What a stage forbids, no longer forbidden: a write that would be lost is accepted."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.errors import CheckFailed, PlanChanged, StepOutOfOrder
from tests.fixtures.sessions import Stage
from tests.mutants.mutant import Mutant, called, instead, made_idle, mutant, never_asked, replaced
from tests.mutants.scenes import Scene, past_all_triggers, to
from tests.races.pilot import Pilot
from tests.races.tables import COPY, execute

FIRST = "UPDATE s.narrow SET rotation = 'x' WHERE id = 11"


def refused_at(revision: str, *texts: str) -> Scene:
    """Each text is refused (55000) at that revision."""

    def scene(pilot: Pilot, stage: Stage) -> None:
        to(pilot, revision)
        for text in texts:
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                execute(pilot.url, text)

    return called(f"refused at {revision}: {texts[0]}", scene)


def the_archive_is_written_while_it_is_reconciled(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0005")
    build = r'SELECT .*_retired_build"\('
    pilot.start(lambda r: r.downgrade("retire_source"), until=build, before=True)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        execute(pilot.url, "UPDATE s.wide_retired SET rotation = 'x' WHERE id = 11")
    pilot.finish()


def the_copy_is_written_when_it_is_closed_again(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0004")
    pilot.downgrade("0004")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        execute(pilot.url, "UPDATE s.narrow SET rotation = 'x' WHERE id = 11")


def a_trigger_writes_the_copy(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0003")
    execute(
        pilot.url,
        f"CREATE FUNCTION s.nested() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {FIRST};"
        " RETURN NULL; END $$",
        "CREATE TRIGGER nested AFTER INSERT ON s.other"
        " FOR EACH STATEMENT EXECUTE FUNCTION s.nested()",
    )
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        execute(pilot.url, "INSERT INTO s.other VALUES (1, 1)")


def a_parent_without_children_stands(pilot: Pilot, stage: Stage) -> None:
    """No row of the old table could say it."""
    to(pilot, "0008")
    execute(pilot.url, "INSERT INTO s.wide (uuid, person_id, programme)"
            " VALUES (gen_random_uuid(), 1, 77)")  # fmt: skip
    with pytest.raises(CheckFailed, match="parents have children"):
        pilot.downgrade("0008")


def another_step_is_open(pilot: Pilot, stage: Stage) -> None:
    pilot.start(lambda r: r.upgrade("copy_table"), until=r'SELECT .*_copy_build"\(', before=True)
    pilot.kill()
    pilot.go()
    pilot.wait()
    with pytest.raises(StepOutOfOrder, match="has not finished"):
        pilot.downgrade("0003")


def the_plan_is_another_one(pilot: Pilot, stage: Stage) -> None:
    to(pilot, "0003")
    execute(pilot.url, "UPDATE s_refactor.plan SET fingerprint = 'another'")
    with pytest.raises(PlanChanged):
        pilot.upgrade("0004")


def the_copy_has_been_tampered_with(pilot: Pilot, stage: Stage) -> None:
    """By someone past all triggers; the last look before the source goes finds it."""
    to(pilot, "0004")
    past_all_triggers(
        pilot.url, COPY, "UPDATE s.narrow SET score = trim_scale(score) WHERE id = 11"
    )
    with pytest.raises(CheckFailed, match="bit for bit"):
        pilot.upgrade("0005")


MUTANTS: tuple[Mutant, ...] = (
    mutant("TRUNCATE of the copy at 0003", made_idle("m_refuse_truncate"),
           refused_at("0003", "TRUNCATE s.narrow")),
    mutant("a trigger's write to the copy at 0003",
           replaced(r"pg_trigger_depth\(\) > 0 AND", "pg_trigger_depth() < 0 AND"),
           a_trigger_writes_the_copy),
    mutant("the copy stays open on 0004's way down", made_idle("m_refuse"),
           the_copy_is_written_when_it_is_closed_again),
    mutant("the archive may be written", made_idle("m_refuse_retired"),
           refused_at("0005", "DELETE FROM s.wide_retired WHERE id = 11")),
    mutant("the archive may be written on 0005's way down", made_idle("m_reconciling"),
           the_archive_is_written_while_it_is_reconciled),
    mutant("the parent may be written at 0006", made_idle("m_closed"),
           refused_at("0006", "DELETE FROM s.wide", "TRUNCATE s.wide")),
    mutant("deprecated columns may be written at 0009", made_idle("m_frozen", returns="NEW"),
           refused_at("0009", FIRST)),
    mutant("parents without children are not asked for",
           never_asked(r"p\.\"uuid\" IS NOT NULL\n\)"),
           a_parent_without_children_stands),
    mutant("an open step is overlooked", replaced("direction, state = 'open'", "direction, false"),
           another_step_is_open),
    mutant("the plan's fingerprint is not compared",
           instead(r"^SELECT fingerprint FROM", "SELECT NULL"),
           the_plan_is_another_one),
    mutant("the copy is not compared before the source goes",
           never_asked(r"FULL JOIN \"s\"\.\"narrow\""), the_copy_has_been_tampered_with),
)  # fmt: skip
