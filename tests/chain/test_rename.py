"""A table that only gets another name: meanwhile both names are writable."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from alembic.config import Config

from membership_refactor.cli.plan import revision_texts
from membership_refactor.cli.verify import lines
from membership_refactor.errors import GateClosed, PlanError, WrongUse
from membership_refactor.inspect.all_comparisons import repair_all, verify_all
from membership_refactor.inspect.checks import StandingChecks
from membership_refactor.inspect.forecast import forecast
from membership_refactor.inspect.keys import compare_keys
from membership_refactor.inspect.status import read_standing
from membership_refactor.planning import TableSplit
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.steps.step import Direction
from tests.chain.driver import ROOT, Chain, build, snapshot
from tests.chain.killing import MOMENTS
from tests.chain.subjects import RENAMED, renamed
from tests.chain.test_kill import goes_on
from tests.fixtures.chains import ChainAt
from tests.fixtures.databases import TemplateDatabase
from tests.inspect.tables import tamper
from tests.offline.conftest import FASTER, SUBJECT, _fill
from tests.offline.scripts import Script
from tests.offline.test_end_state import assert_same
from tests.rehearsal.orders import ORDERS, orders
from tests.rehearsal.rehearsing import rehearsed

OLD, NEW, GONE = (
    "public.programme_membership",
    "public.curriculum_membership",
    "public.programme_membership_retired",
)
REVISIONS = RENAMED.revisions
FOLLOWED = ("0003", "0004")


def renamed_at(chain_at: ChainAt, revision: str, *, down: bool = False) -> Chain:
    return chain_at(revision, subject=RENAMED, name="renamed", down=down)


def found(chain: Chain) -> set[tuple[str, str, str, tuple[str, ...]]]:
    return {
        (v.comparison.name, f.key, f.difference, f.columns)
        for v in verify_all(chain.runner()).verdicts
        for f in v.findings
    }


def test_a_rename_takes_four_steps_and_three_names() -> None:
    assert REVISIONS == ("0003", "0004", "0005", "0011")
    assert [f"public.{name}" for name in RENAMED.plan.tables] == [OLD, NEW, GONE]


def test_a_rename_keeps_every_column_so_none_is_named_as_kept() -> None:
    with pytest.raises(PlanError, match='keep "a" is not a column of the key'):
        TableSplit(name="p", source="a", copy="b", keep=("a",))


@pytest.mark.parametrize("revision", ["0002", *REVISIONS])
def test_plan_status_and_checks_speak_of_one_table_at_every_stage(
    revision: str, chain_at: ChainAt
) -> None:
    chain = renamed_at(chain_at, revision)
    made, _ = forecast(chain.runner(), revision_texts(Config(ROOT / "alembic.ini")))
    assert [s.revision for s in made.steps] == [r for r in REVISIONS if r > revision]
    text = "\n".join(t for s in made.steps for t in (*s.refusals, *s.notes))
    assert not re.search(r"\b(parent|link|deprecated)\b", text)
    assert (made.groups, made.gaps, made.losers) == (None, None, None)
    assert made.rows == 27
    assert len(read_standing(chain.runner()).steps) == 4
    asked = StandingChecks(chain.runner(), models=lambda _: ()).questions()
    assert [q.name for q in asked if not q.ask().holds] == []
    assert found(chain) == set()


def test_keys_cannot_be_compared(chain_at: ChainAt) -> None:
    with pytest.raises(WrongUse, match="renames its table and has no key to compare"):
        compare_keys(renamed_at(chain_at, "0002").runner())


def test_both_names_are_written_while_both_are_there(chain_at: ChainAt) -> None:
    chain = renamed_at(chain_at, "0004")
    chain.run(
        f"UPDATE {OLD} SET rotation = 'by the old name' WHERE id = 0",
        f"UPDATE {NEW} SET rotation = 'by the new name' WHERE id = 2",
        f"DELETE FROM {OLD} WHERE id = 4",
        f"DELETE FROM {NEW} WHERE id = 6",
        f"INSERT INTO {NEW} (id, person_id, programme_id, curriculum_id) VALUES (900, 1, 1, 1)",
        f"INSERT INTO {OLD} (id, person_id, programme_id, curriculum_id)"
        " OVERRIDING SYSTEM VALUE VALUES (901, 1, 1, 1)",
    )
    assert chain.source() == chain.child()
    assert {"900", "901"} <= chain.child().keys()
    assert not {"4", "6"} & chain.child().keys()
    assert chain.child()["0"]["rotation"] == "by the old name"
    assert chain.child()["2"]["rotation"] == "by the new name"


def test_what_is_written_under_the_new_name_alone_comes_back_under_the_old_one(
    chain_at: ChainAt,
) -> None:
    chain = renamed_at(chain_at, "0011")
    before = chain.child()
    chain.run(
        f"UPDATE {NEW} SET rotation = 'later' WHERE id = 0",
        f"INSERT INTO {NEW} (person_id, programme_id, curriculum_id) VALUES (1, 1, 1)",
        f"DELETE FROM {NEW} WHERE id = 2",
    )
    after = chain.child()
    assert after != before
    chain.down_to("0002")
    assert chain.source() == after
    chain.up_to("0011")
    assert chain.child() == after


def test_the_old_name_is_not_taken_away_without_evidence(chain_at: ChainAt) -> None:
    chain = renamed_at(chain_at, "0004")
    cautious = replace(chain, options=replace(chain.options, accept_usage=None))
    with pytest.raises(
        GateClosed, match=r'evidence that nobody uses the table "programme_membership"'
    ):
        cautious.up("0005")


@pytest.mark.parametrize("revision", FOLLOWED)
def test_rows_that_a_superuser_sets_apart_are_found_and_mended(
    revision: str, chain_at: ChainAt
) -> None:
    chain = renamed_at(chain_at, revision)
    was = chain.source()
    tamper(
        chain,
        f"UPDATE {NEW} SET rotation = 'other' WHERE id = 0",
        f"DELETE FROM {NEW} WHERE id = 2",
        f"INSERT INTO {NEW} (id, person_id, programme_id, curriculum_id) VALUES (999, 1, 1, 1)",
    )
    assert found(chain) == {
        ("source and copy", "0", "different", ("rotation",)),
        ("source and copy", "2", "missing", ()),
        ("source and copy", "999", "extra", ()),
    }
    repair_all(chain.runner(), verify_all(chain.runner()))
    assert chain.child() == was == chain.source()
    assert found(chain) == set()


def test_verify_says_that_it_compared_nothing_once_the_old_name_is_gone(chain_at: ChainAt) -> None:
    chain = renamed_at(chain_at, "0005")
    (said,) = lines(verify_all(chain.runner()), chain.runner().chain)
    assert said.startswith("0005: nothing was compared, because the rows are in one table now")
    chain = renamed_at(chain_at, "0002")
    (said,) = lines(verify_all(chain.runner()), chain.runner().chain)
    assert said == "base: there is no second table to compare with yet; 0003 makes it."


@pytest.mark.slow
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_client_killed_at_any_action_goes_on_to_the_same_end(
    revision: str, direction: Direction, chain_at: ChainAt
) -> None:
    goes_on(chain_at, revision, direction, MOMENTS, 3, subject=RENAMED, name="renamed")


def test_every_step_by_script_is_every_step_online(template_database: TemplateDatabase) -> None:
    subject = renamed(SUBJECT)
    urls = [template_database("offline", build(SUBJECT, _fill)) for _ in range(2)]
    online, offline = (Chain(url, subject, FASTER) for url in urls)
    script = Script(offline, legacy_tables("public"), steps=offline.runner().chain)
    for revision in REVISIONS:
        script.up(revision).fine()
        online.up(revision)
        assert_same(snapshot(offline), snapshot(online))
    for revision in reversed(REVISIONS):
        script.down(revision).fine()
        online.down(revision)
        assert_same(snapshot(offline), snapshot(online))


def test_a_rehearsal_finds_nothing_unexpected(template_database: TemplateDatabase) -> None:
    chain = orders(template_database)
    done = rehearsed(Chain(chain.url, renamed(ORDERS)))
    assert done.surprises == []
    assert done.tried > 500
    assert {f.stages[0] for f in done.documented} == {"copy_table up", "retire_source up"}
