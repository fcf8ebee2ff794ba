"""Key columns that the child keeps: they always equal the parent's, whoever writes them."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.errors import CannotCarry, PlanError
from membership_refactor.inspect.all_comparisons import repair_all, verify_all
from membership_refactor.inspect.checks import StandingChecks
from membership_refactor.planning import LinkOnDelete
from membership_refactor.portrait import differences
from membership_refactor.sql.quoting import literal
from tests.chain.driver import Chain, Subject, said
from tests.chain.subjects import KEPT, MEMBERSHIP
from tests.fixtures.chains import ChainAt
from tests.inspect.tables import tamper

PLAN = KEPT.plan
CHILD, PARENT = "public.curriculum_membership", "public.programme_membership"
LINK = "programme_membership_uuid"
UUID = "00000000-0000-4000-8000-000000000001"
APART = (
    f"SELECT c.id FROM {CHILD} AS c LEFT JOIN {PARENT} AS p ON p.uuid = c.{LINK} "
    "WHERE (c.person_id, c.programme_id) IS DISTINCT FROM (p.person_id, p.programme_id)"
)
ADD_PARENT = (
    f"INSERT INTO {PARENT} (uuid, person_id, programme_id, programme_membership_type) "
    f"VALUES ('{UUID}', 3, 2, 'OWN')"
)


def kept_at(chain_at: ChainAt, revision: str, *, down: bool = False) -> Chain:
    return chain_at(revision, subject=KEPT, name="kept", down=down)


def refused(chain: Chain, text: str) -> str | None:
    """The SQLSTATE with which the statement is refused; None where it is not."""
    try:
        chain.run(text)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def insert(columns: str, values: str) -> str:
    return f"INSERT INTO {CHILD} ({columns}) VALUES ({values})"


@pytest.mark.parametrize(
    ("keep", "said_of_it"),
    [
        (("rotation",), 'keep "rotation" is not a column of the key'),
        (("person_id", "person_id"), "keep names a column twice"),
    ],
)
def test_what_cannot_be_kept_is_refused_when_the_plan_is_made(
    keep: tuple[str, ...], said_of_it: str
) -> None:
    with pytest.raises(PlanError, match=said_of_it):
        replace(PLAN, keep=keep)


def test_a_plan_that_keeps_everything_splits_nothing() -> None:
    with pytest.raises(PlanError, match="no other column would leave the child"):
        replace(PLAN, parent_columns=(), keep=PLAN.key)


def test_the_fingerprint_of_a_plan_without_kept_columns_is_as_it_was() -> None:
    assert MEMBERSHIP.plan.fingerprint != PLAN.fingerprint
    assert replace(PLAN, keep=()).fingerprint == MEMBERSHIP.plan.fingerprint


def test_a_kept_column_that_may_be_null_is_refused_before_anything_is_changed(
    chain_at: ChainAt,
) -> None:
    plan = replace(PLAN, keep=("programme_start_date",))
    chain = chain_at("0002", subject=KEPT, name="kept")
    chain = replace(chain, subject=Subject(plan=plan, schema="public", create=()))
    with pytest.raises(CannotCarry, match=r"ALTER COLUMN \"programme_start_date\" SET NOT NULL"):
        chain.up("0003")
    assert chain.value("SELECT to_regclass('public.curriculum_membership')") is None


def test_plan_names_what_applications_notice(chain_at: ChainAt) -> None:
    chain = kept_at(chain_at, "0002")
    chain.run(
        "CREATE FUNCTION public.noted() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NEW; END'",
        f"CREATE TRIGGER noted AFTER UPDATE OF person_id ON {PARENT} "
        "FOR EACH ROW EXECUTE FUNCTION public.noted()",
    )
    text = said(chain)
    assert 'has to give "person_id", "programme_id" of the parent together with' in text
    assert "it also fires for each row of a parent whose person_id or programme_id" in text


@pytest.mark.parametrize("down", [False, True])
def test_while_both_sides_are_saved_a_kept_column_is_like_the_others(
    down: bool, chain_at: ChainAt
) -> None:
    chain = kept_at(chain_at, "0008", down=down)
    chain.run(ADD_PARENT)
    chain.run(insert(f"curriculum_id, {LINK}", f"1, '{UUID}'"))
    chain.run(f"UPDATE {CHILD} SET person_id = 2 WHERE id = 0")
    chain.run(f"UPDATE {PARENT} SET person_id = 9 WHERE uuid = '{UUID}'")
    assert chain.query(APART) == []
    assert chain.value(f"SELECT person_id FROM {CHILD} WHERE {LINK} = '{UUID}'") == 9


@pytest.mark.parametrize(("revision", "down"), [("0009", False), ("0010", False), ("0009", True)])
def test_from_the_freeze_on_the_foreign_key_keeps_both_equal(
    revision: str, down: bool, chain_at: ChainAt
) -> None:
    chain = kept_at(chain_at, revision, down=down)
    chain.run(ADD_PARENT)
    both = f"curriculum_id, {LINK}, person_id, programme_id"
    assert refused(chain, insert(f"curriculum_id, {LINK}", f"1, '{UUID}'")) == "23502"
    assert refused(chain, insert(both, f"1, '{UUID}', 3, 1")) == "23503"
    assert refused(chain, insert(both, f"1, '{UUID}', 3, 2")) is None
    assert refused(chain, f"UPDATE {CHILD} SET person_id = 2 WHERE {LINK} = '{UUID}'") == "23503"
    assert refused(chain, f"UPDATE {CHILD} SET {LINK} = '{UUID}' WHERE id = 0") == "23503"
    moved = f"({LINK}, person_id, programme_id) = ('{UUID}', 3, 2)"
    assert refused(chain, f"UPDATE {CHILD} SET {moved} WHERE id = 0") is None
    assert refused(chain, f"UPDATE {PARENT} SET person_id = 9 WHERE uuid = '{UUID}'") is None
    assert refused(chain, f"DELETE FROM {PARENT} WHERE uuid = '{UUID}'") in ("23503", "23001")
    assert chain.query(f"SELECT DISTINCT person_id FROM {CHILD} WHERE {LINK} = '{UUID}'") == [(9,)]
    assert chain.value(f"SELECT count(*) FROM {CHILD} WHERE {LINK} = '{UUID}'") == 2
    assert chain.query(APART) == []
    if revision == "0009":
        chain.run(f"UPDATE {CHILD} SET id = id WHERE id = 2")
        value = literal("other")
        assert refused(chain, f"UPDATE {CHILD} SET rotation = {value} WHERE id = 2") == "55000"


@pytest.mark.parametrize("revision", ["0009", "0010"])
def test_what_is_written_through_the_foreign_key_comes_back_with_the_wide_table(
    revision: str, chain_at: ChainAt
) -> None:
    chain = kept_at(chain_at, revision)
    chain.run(ADD_PARENT)
    both = f"id, curriculum_id, {LINK}, person_id, programme_id"
    chain.run(insert(both, f"901, 1, '{UUID}', 3, 2"))
    chain.run(f"UPDATE {PARENT} SET person_id = 9, rotation = 'new' WHERE uuid = '{UUID}'")
    chain.down_to("0002", before=revision)
    assert chain.query(
        f"SELECT person_id, programme_id, programme_membership_type, rotation FROM {PARENT} "
        "WHERE id = 901"
    ) == [(9, 2, "OWN", "new")]
    chain.up_to("0011")
    assert chain.query(f"SELECT {LINK}::text, person_id FROM {CHILD} WHERE id = 901") == [(UUID, 9)]
    assert chain.query(APART) == []


@pytest.mark.parametrize("revision", ["0009", "0010", "0011"])
def test_kept_columns_that_a_superuser_sets_apart_are_found_and_mended(
    revision: str, chain_at: ChainAt
) -> None:
    chain = kept_at(chain_at, revision)
    was = chain.child()
    tamper(chain, f"UPDATE {CHILD} SET person_id = person_id + 1 WHERE id IN (0, 2)")
    verified = verify_all(chain.runner())
    assert {
        (v.comparison.name, f.key, f.difference, f.columns)
        for v in verified.verdicts
        for f in v.findings
    } == {("kept columns", key, "different", ("person_id",)) for key in ("0", "2")}
    repair_all(chain.runner(), verified)
    assert chain.child() == was
    assert all(not v.findings for v in verify_all(chain.runner()).verdicts)


def trigger(timing: str, body: str) -> tuple[str, ...]:
    """A trigger on the wide table that watches a kept column."""
    return (
        "CREATE TABLE public.seen (id bigint, person bigint)",
        "CREATE FUNCTION public.noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"INSERT INTO public.seen VALUES (NEW.id, NEW.person_id); {body} END $$",
        f"CREATE TRIGGER noted {timing} UPDATE OF person_id ON {PARENT} "
        "FOR EACH ROW EXECUTE FUNCTION public.noted()",
    )


def test_a_trigger_of_the_child_fires_once_for_each_row_that_the_cascade_changes(
    chain_at: ChainAt,
) -> None:
    chain = kept_at(chain_at, "0002")
    chain.run(*trigger("AFTER", "RETURN NULL;"))
    chain.up_to("0010")
    chain.run(ADD_PARENT)
    for id in (901, 902):
        both = f"id, curriculum_id, {LINK}, person_id, programme_id"
        chain.run(insert(both, f"{id}, 1, '{UUID}', 3, 2"))
    chain.run("TRUNCATE public.seen", f"UPDATE {PARENT} SET person_id = 9 WHERE uuid = '{UUID}'")
    assert chain.query("SELECT id, person FROM public.seen ORDER BY id") == [(901, 9), (902, 9)]


def test_a_before_trigger_that_undoes_the_cascade_is_named_and_its_row_found(
    chain_at: ChainAt,
) -> None:
    chain = kept_at(chain_at, "0002")
    chain.run(*trigger("BEFORE", "RETURN CASE WHEN NEW.id < 900 THEN NEW END;"))
    assert "one that it drops or undoes leaves the row unlike its parent" in said(chain)
    chain.up_to("0010")
    chain.run(ADD_PARENT)
    both = f"id, curriculum_id, {LINK}, person_id, programme_id"
    chain.run(insert(both, f"901, 1, '{UUID}', 3, 2"))
    chain.run(f"UPDATE {PARENT} SET person_id = 9 WHERE uuid = '{UUID}'")
    assert [
        (f.key, f.columns) for v in verify_all(chain.runner()).verdicts for f in v.findings
    ] == [("901", ("person_id",))]


@pytest.mark.parametrize("revision", ["0007", "0008", "0009", "0010", "0011"])
def test_every_check_holds_at_every_stage(revision: str, chain_at: ChainAt) -> None:
    chain = kept_at(chain_at, revision)
    asked = StandingChecks(chain.runner(), models=lambda _: ()).questions()
    assert [(q.name, q.ask().keys) for q in asked if not q.ask().holds] == []
    names = {q.name for q in asked}
    assert ("same kept columns" in names) == (revision >= "0009")


def test_what_rests_on_kept_columns_stays_with_the_child(chain_at: ChainAt) -> None:
    chain = kept_at(chain_at, "0002")
    chain.run(
        "CREATE TABLE public.allowed (person bigint, curriculum bigint, "
        "UNIQUE (person, curriculum))",
        f"INSERT INTO public.allowed SELECT DISTINCT person_id, curriculum_id FROM {PARENT}",
        f"ALTER TABLE {PARENT} ADD CONSTRAINT own_unique UNIQUE (person_id, id), "
        "ADD CONSTRAINT own_check CHECK (person_id + curriculum_id < 1000), "
        "ADD CONSTRAINT own_key FOREIGN KEY (person_id, curriculum_id) "
        "REFERENCES public.allowed (person, curriculum) ON UPDATE CASCADE",
        f"CREATE INDEX own_index ON {PARENT} (programme_id, curriculum_id)",
        f"CREATE TABLE public.note (person bigint, child bigint, "
        f"FOREIGN KEY (person, child) REFERENCES {PARENT} (person_id, id))",
        f"INSERT INTO public.note SELECT person_id, id FROM {PARENT} WHERE id = 0",
    )
    before = chain.portrait().table("programme_membership")
    assert "foreign key own_key is ON UPDATE CASCADE and stays" in said(chain)
    chain.up_to("0011")
    child = chain.portrait().table("curriculum_membership")
    stayed = {f"own_{what}_curriculum_membership" for what in ("unique", "check", "key")}
    assert {c.name for c in child.constraints if c.validated} >= stayed
    assert "own_index_curriculum_membership" in {i.name for i in child.indexes}
    # What does not fit the new value of a parent is refused with the parent's change.
    of_child = f"(SELECT {LINK} FROM {CHILD} WHERE id = 0)"
    assert refused(chain, f"UPDATE {PARENT} SET person_id = 9 WHERE uuid = {of_child}") == "23503"
    assert refused(chain, "UPDATE public.allowed SET person = 9 WHERE person = 1") == "23503"
    assert chain.query(APART) == []
    chain.down_to("0002")
    assert differences(before, chain.portrait().table("programme_membership")) == ()


def test_a_plan_that_cascades_deletes_children_by_the_key_over_kept_columns(
    chain_at: ChainAt,
) -> None:
    plan = replace(PLAN, link_on_delete=LinkOnDelete.CASCADE)
    chain = chain_at("0002", subject=KEPT, name="kept")
    chain = replace(chain, subject=replace(KEPT, plan=plan))
    chain.up_to("0009")
    chain.run(f"DELETE FROM {PARENT} WHERE uuid = (SELECT {LINK} FROM {CHILD} WHERE id = 0)")
    assert "0" not in chain.child()
    assert chain.query(APART) == []
    chain.down_to("0002", before="0009")
    assert "0" not in chain.source()
