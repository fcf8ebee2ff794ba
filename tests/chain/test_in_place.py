"""A table that is split in place: what plan says, what verify finds, and what stops it."""

from __future__ import annotations

import re

import pytest

from membership_refactor.errors import CannotCarry, StepOutOfOrder
from membership_refactor.inspect.all_comparisons import repair_all, verify_all
from membership_refactor.inspect.forecast import forecast
from membership_refactor.portrait import Index, Table, differences
from membership_refactor.steps.add_link import cost_in_place
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Chain, said, snapshot
from tests.chain.fixed import FIXED
from tests.chain.subjects import IN_PLACE
from tests.fixtures.chains import ChainAt
from tests.inspect.tables import tamper

TABLE = IN_PLACE.names.child
LINK = IN_PLACE.plan.link
OWN = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def in_place(chain_at: ChainAt) -> ChainAt:
    def at(revision: str, *, down: bool = False) -> Chain:
        return chain_at(revision, subject=IN_PLACE, name="in place", first=FIXED, down=down)

    return at  # type: ignore[return-value]


def test_plan_says_what_it_costs_beside_a_copy(in_place: ChainAt) -> None:
    chain = in_place("0005")
    chain.run(f"ANALYZE {TABLE}")
    text = said(chain)
    assert "in place every row is written again" in text
    assert f"REINDEX TABLE CONCURRENTLY {TABLE}" in text
    assert 'a copy (copy="NAME" in the plan) writes less' in text


def test_plan_names_the_lock_of_vacuum_and_of_the_index(in_place: ChainAt) -> None:
    made, _ = forecast(in_place("0005").runner(), {})
    (use,) = (u for u in made.steps[0].locks if u.mode == "SHARE UPDATE EXCLUSIVE")
    assert (use.table, use.times) == (TABLE, 2)


@pytest.mark.parametrize(
    ("indexes", "size", "in_place", "copied"), [(3, 201e6, 720, 308), (9, 266e6, 1258, 384)]
)
def test_the_costs_are_those_that_were_measured(
    indexes: int, size: float, in_place: int, copied: int
) -> None:
    """With 1,000,000 rows of 156 MB; within a seventh."""
    index = Index(name="i", definition="", columns=("id",))
    table = Table(
        schema="s",
        name="t",
        columns=(),
        indexes=(index,) * indexes,
        rows=1_000_000,
        bytes=int(size),
    )
    (text,) = cost_in_place(table)
    said = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) MB", text)]
    assert said == [pytest.approx(in_place, rel=0.14), pytest.approx(copied, rel=0.14)]
    assert ("writes less" in text) is (indexes >= 5)


def test_a_name_that_is_taken_is_refused_before_anything_is_changed(in_place: ChainAt) -> None:
    chain = in_place("0005")
    chain.run("CREATE TABLE public.membership (n int)")
    before = snapshot(chain)
    with pytest.raises((CannotCarry, StepOutOfOrder), match="membership"):
        chain.up("0006")
    assert "already has a relation" in said(chain)
    assert snapshot(chain).portrait == before.portrait


def test_a_link_that_is_wrong_or_missing_is_found_and_mended(in_place: ChainAt) -> None:
    for revision in ("0006", "0007"):
        chain = in_place(revision)
        before = snapshot(chain)
        tamper(
            chain,
            f"UPDATE {TABLE} SET {LINK} = '{OWN}' WHERE id = 0",
            f"UPDATE {TABLE} SET {LINK} = NULL WHERE id = 2",
        )
        verified = verify_all(chain.runner())
        found = {f.key for v in verified.verdicts for f in v.findings}
        assert {"0", "2"} <= found
        repair_all(chain.runner(), verified)
        assert snapshot(chain).tables == before.tables
        assert not any(v.findings for v in verify_all(chain.runner()).verdicts)


def test_an_application_does_not_write_the_link_before_parents_are_saved(
    in_place: ChainAt,
) -> None:
    chain = in_place("0006")
    with pytest.raises(Exception, match="follows the key and cannot be written yet"):
        chain.run(f"UPDATE {TABLE} SET {LINK} = '{OWN}' WHERE id = 0")


def test_uuids_of_new_style_writers_come_back(in_place: ChainAt) -> None:
    """A parent made by an application keeps its uuid down to the wide table and up again."""
    chain = in_place("0008")
    chain.run(
        f"INSERT INTO {chain.names.parent} (uuid, person_id, programme_id) VALUES ('{OWN}', 3, 2)",
        f"INSERT INTO {TABLE} (id, {LINK}, curriculum_id) VALUES (900, '{OWN}', 1)",
    )
    current = snapshot(chain)
    chain.down_to("0005", before="0008")
    assert LINK not in chain.columns(TABLE)
    assert chain.value(f"SELECT person_id FROM {TABLE} WHERE id = 900") == 3
    chain.up_to("0008", after="0005")
    again = snapshot(chain)
    assert again.tables == current.tables
    assert differences(current.portrait, again.portrait) == ()


def test_triggers_of_the_application_do_not_fire_for_the_filling(in_place: ChainAt) -> None:
    chain = in_place("0005")
    chain.run(
        "CREATE TABLE public.fired (n int)",
        "CREATE FUNCTION public.fire() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO public.fired VALUES (1); RETURN NEW; END $$",
        f"CREATE TRIGGER fire BEFORE UPDATE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION public.fire()",
        f"CREATE TRIGGER stamp AFTER UPDATE ON {TABLE} FOR EACH STATEMENT "
        "EXECUTE FUNCTION public.fire()",
    )
    others = (
        f"CREATE TRIGGER made BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION public.fire()",
        f"CREATE TRIGGER of BEFORE UPDATE OF rotation ON {TABLE} FOR EACH ROW "
        "EXECUTE FUNCTION public.fire()",
    )
    chain.run(*others)
    chain.up("0006")
    assert chain.value("SELECT count(*) FROM public.fired") == 0
    disabled = "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'"
    assert chain.value(disabled) == 0
    chain.run(f"UPDATE {TABLE} SET rotation = 'x' WHERE id = 0")
    assert chain.value("SELECT count(*) FROM public.fired") == 3


def test_a_trigger_that_the_filling_does_not_fire_stops_no_writer(in_place: ChainAt) -> None:
    """Nothing has to be disabled for it, so no batch locks the table."""
    chain = in_place("0005")
    chain.run(
        "CREATE FUNCTION public.fire() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NEW; END $$",
        f"CREATE TRIGGER made BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION public.fire()",
        f"CREATE TRIGGER of BEFORE UPDATE OF rotation ON {TABLE} FOR EACH ROW "
        "EXECUTE FUNCTION public.fire()",
    )
    sent: list[str] = []
    before = chain.query("SELECT oid, xmin FROM pg_trigger WHERE tgname IN ('made', 'of')")
    chain.runner(engine=watched(chain.url, sent.append)).upgrade("create_parent")
    assert any("fill_link" in text for text in sent)
    # A trigger that was disabled for a moment has another version.
    after = chain.query("SELECT oid, xmin FROM pg_trigger WHERE tgname IN ('made', 'of')")
    assert after == before


def test_a_save_without_a_change_stays_one(in_place: ChainAt) -> None:
    """Triggers that look whether the row was changed are not told that its link was."""
    chain = in_place("0005")
    chain.run(
        "CREATE TABLE public.fired (n int)",
        "CREATE FUNCTION public.fire() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO public.fired VALUES (1); RETURN NEW; END $$",
        f"CREATE TRIGGER fire AFTER UPDATE ON {TABLE} FOR EACH ROW "
        "WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.fire()",
    )
    saved: list[bool] = []

    def save(text: str) -> None:
        if "fill_link" in text and "SELECT" in text and not saved:
            saved.append(True)
            chain.run(f"UPDATE {TABLE} SET rotation = rotation")

    chain.runner(engine=watched(chain.url, save)).upgrade("create_parent")
    assert saved and chain.value("SELECT count(*) FROM public.fired") == 0
    assert chain.value(f"SELECT count(*) FROM {TABLE} WHERE {LINK} IS NULL") == 0


def test_plan_names_a_publication_whose_subscribers_need_the_link(in_place: ChainAt) -> None:
    chain = in_place("0005")
    chain.run(
        f"CREATE PUBLICATION whole FOR TABLE {TABLE}",
        f"CREATE PUBLICATION part FOR TABLE {TABLE} (id, person_id)",
    )
    text = said(chain)
    assert 'publication "whole" publishes "programme_membership" with the column' in text
    assert 'publication "part" publishes' not in text


def test_a_column_that_came_meanwhile_stays_with_the_table(in_place: ChainAt) -> None:
    """Nothing takes the table away, so nothing is lost on any way."""
    chain = in_place("0006")
    chain.run(f"ALTER TABLE {TABLE} ADD COLUMN later int DEFAULT 7")
    chain.up("0007", "0008")
    chain.down("0008", "0007", "0006")
    assert chain.value(f"SELECT sum(later) = 7 * count(*) FROM {TABLE}") is True
