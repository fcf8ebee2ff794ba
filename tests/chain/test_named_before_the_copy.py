"""What cannot stay as it is for triggers of the application is named before anything is changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from alembic.config import Config

from membership_refactor.cli.plan import revision_texts
from membership_refactor.errors import CannotCarry, GateClosed
from membership_refactor.inspect.forecast import forecast
from membership_refactor.inspect.forecast_values import Answer, Asked, StepForecast
from tests.chain.driver import OPTIONS, Chain
from tests.chain.test_application_functions import COPY, WIDE, run
from tests.fixtures.chains import ChainAt

ROOT = Path(__file__).parents[2]
FUNCTION = """
CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN {body}; RETURN NULL; END $$;
CREATE TRIGGER watch AFTER UPDATE ON {{t}} FOR EACH ROW {when} EXECUTE FUNCTION public.watch()
"""
HISTORY = "CREATE TABLE public.history AS TABLE public.programme_membership WITH NO DATA;\n"


def named(chain: Chain) -> StepForecast:
    """The forecast of 0003."""
    made, _ = forecast(chain.runner(), revision_texts(Config(ROOT / "alembic.ini")))
    assert made.steps[0].revision == "0003"
    return made.steps[0]


def closed(step: StepForecast) -> list[Asked]:
    """The gates that stand in the way."""
    return [gate for gate in step.gates if gate.answer is Answer.FAILS]


def watched(chain_at: ChainAt, body: str, when: str = "", before: str = "") -> Chain:
    chain = chain_at("0002")
    run(chain, before + FUNCTION.format(body=body, when=when))
    return chain


@pytest.mark.parametrize(
    ("body", "when", "said"),
    [
        (
            "INSERT INTO public.log VALUES (current_user)",
            "",
            "the text of public.watch() mentions current_user. For a write that comes through "
            'the other table (from revision 0004 on) that is "',
        ),
        ("NULL", "WHEN (pg_trigger_depth() = 0)", "its WHEN mentions pg_trigger_depth()"),
        ("IF pg_trigger_depth() > 1 THEN RETURN NULL; END IF", "", "mentions pg_trigger_depth()"),
        ("NULL", "WHEN (OLD.rotation <> CURRENT_ROLE)", "its WHEN mentions current_role"),
        (
            "PERFORM pg_notify('changed', TG_TABLE_NAME)",
            "",
            'mentions TG_TABLE_NAME. From revision 0005 on that is "curriculum_membership"',
        ),
        (
            "PERFORM 1 FROM programme_membership WHERE id = OLD.id",
            "",
            'mentions "programme_membership", its own table. From revision 0005 on no table has '
            'that name, and from revision 0006 on the parent has it. It has to name "curriculum_m',
        ),
        (
            "EXECUTE 'DELETE FROM public.\"programme_membership\" WHERE id = $1' USING -1",
            "",
            'mentions "programme_membership", its own table',
        ),
        ("PERFORM public.note(OLD)", "", "public.watch() uses the whole row (PERFORM public."),
    ],
)
def test_a_trigger_whose_meaning_changes_is_a_note_of_the_forecast(
    body: str, when: str, said: str, chain_at: ChainAt
) -> None:
    chain = watched(chain_at, body, when)
    step = named(chain)
    assert [note for note in step.notes if said in note and '"watch"' in note]
    assert not closed(step) and not step.refusals


def test_words_in_comments_and_disabled_triggers_are_no_note(chain_at: ChainAt) -> None:
    chain = watched(
        chain_at, "/* current_user */ NULL -- pg_trigger_depth() of programme_membership\n"
    )
    run(chain, FUNCTION.format(body="PERFORM current_user", when="").replace("watch", "off")
        + ";\nALTER TABLE {t} DISABLE TRIGGER off")  # fmt: skip
    assert named(chain).notes == ()


def test_a_role_that_may_add_triggers_is_a_note(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    chain.run(f"GRANT TRIGGER ON {WIDE} TO PUBLIC")
    (note,) = named(chain).notes
    assert 'REVOKE TRIGGER ON "public"."programme_membership" FROM PUBLIC' in note


def test_a_function_that_declares_the_row_type_is_a_note(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(chain, "CREATE FUNCTION public.read() RETURNS int LANGUAGE plpgsql AS "
        "$$ DECLARE r programme_membership%ROWTYPE; BEGIN RETURN 1; END $$")  # fmt: skip
    assert "public.read() declares programme_membership%ROWTYPE" in named(chain).notes[0]


WHOLE = {
    "a history": (HISTORY, "INSERT INTO public.history SELECT OLD.*"),
    "values": (HISTORY, "INSERT INTO public.history VALUES (NEW.*)"),
    "more columns": (
        f"{HISTORY}ALTER TABLE public.history ADD changed text;\n",
        "INSERT INTO public.history SELECT OLD.*",
    ),
    "a statement in a string": (
        HISTORY,
        "EXECUTE 'INSERT INTO public.history SELECT ($1).*' USING OLD",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_trigger_that_uses_rows_by_position_is_asked_for_once(
    name: str, chain_at: ChainAt
) -> None:
    before, body = WHOLE[name]
    chain = watched(chain_at, body, before=before)
    step = named(chain)
    (gate,) = closed(step)
    assert gate.keys[0].startswith('trigger "watch", function public.watch(): ')
    assert 'With revision 0005 the row gets the column "' in (gate.hint or "")

    portrait = chain.portrait()
    with pytest.raises(GateClosed) as refused:
        chain.up("0003")
    assert body[:50] in str(refused.value) and "accept-whole-rows" in str(refused.value)
    assert chain.portrait() == portrait
    assert chain.runner().abandon() is None

    accepted = replace(chain, options=replace(OPTIONS, accept_whole_rows="history is mended soon"))
    accepted.up("0003")
    assert chain.query("SELECT step, option, reason FROM public_refactor.acceptance") == [
        ("copy_table", "accept-whole-rows", "history is mended soon")
    ]


def test_a_statement_trigger_that_copies_its_transition_table_is_asked_for(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0002")
    run(
        chain,
        HISTORY
        + """
CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.history SELECT * FROM gone; RETURN NULL; END $$;
CREATE TRIGGER watch AFTER DELETE ON {t} REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION public.watch()
""",
    )
    with pytest.raises(GateClosed, match="SELECT \\* FROM gone"):
        chain.up("0003")


def test_a_function_that_names_columns_goes_through(chain_at: ChainAt) -> None:
    listed = "id, curriculum_id"
    chain = watched(
        chain_at,
        f"INSERT INTO public.history ({listed}) VALUES (OLD.id, OLD.curriculum_id)",
        before=HISTORY,
    )
    assert not closed(named(chain))
    chain.up_to("0010")
    chain.run(f"UPDATE {COPY} SET curriculum_id = 2 WHERE id = 2")
    assert chain.value("SELECT count(*) FROM public.history") == 1


ROW_TYPES = {
    "an argument": (
        f"CREATE FUNCTION public.note(r {WIDE}) RETURNS void LANGUAGE sql AS 'SELECT NULL'",
        "public.note(public.programme_membership)",
    ),
    "a set": (
        f"CREATE FUNCTION public.all_rows() RETURNS SETOF {WIDE} LANGUAGE sql "
        f"AS 'SELECT * FROM {WIDE}'",
        "public.all_rows()",
    ),
    "a column": (f"CREATE TABLE public.kept (r {WIDE})", "public.kept"),
    "a column of an array": (f"CREATE TABLE public.kept (r {WIDE}[])", "public.kept"),
}


@pytest.mark.parametrize("name", ROW_TYPES)
def test_what_uses_the_row_type_is_refused_by_name(name: str, chain_at: ChainAt) -> None:
    text, said = ROW_TYPES[name]
    chain = chain_at("0002")
    chain.run(text)
    with pytest.raises(CannotCarry) as refused:
        chain.up("0003")
    assert said in str(refused.value)


def test_a_deferrable_trigger_without_a_path_is_refused_where_it_would_run_as_the_owner(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0002")
    run(chain, FUNCTION.format(body="NULL", when="").replace(
        "CREATE TRIGGER watch AFTER UPDATE ON {t}",
        "CREATE CONSTRAINT TRIGGER watch AFTER UPDATE ON {t} DEFERRABLE",
    ))  # fmt: skip
    if chain.portrait().server_version < 180000:
        assert not named(chain).refusals
        chain.up("0003")
        return
    (said,) = named(chain).refusals
    assert 'trigger "watch" is deferrable' in said
    with pytest.raises(CannotCarry, match="ALTER FUNCTION"):
        chain.up("0003")
    chain.run("ALTER FUNCTION public.watch() SET search_path = pg_catalog, pg_temp")
    chain.up("0003")
