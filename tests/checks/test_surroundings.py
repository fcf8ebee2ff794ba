"""Event triggers and publications of all tables stop the copy until somebody gives a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from membership_refactor.checks.surroundings import COMMANDS
from membership_refactor.errors import GateClosed
from membership_refactor.execution.options import Options
from tests.chain.driver import OPTIONS, Chain, Subject
from tests.chain.subjects import in_place, renamed
from tests.chain.test_application_functions import COPY, WIDE
from tests.chain.test_named_before_the_copy import FUNCTION, HISTORY, closed, named, watched
from tests.crashes.one_of_everything import EVERYTHING, FILLED
from tests.fixtures.chains import ChainAt
from tests.fixtures.databases import TemplateDatabase

SEEING = (
    "CREATE TABLE public.seen_tags (tag text)",
    "CREATE FUNCTION public.see() RETURNS event_trigger LANGUAGE plpgsql AS "
    "$$ BEGIN INSERT INTO public.seen_tags VALUES (tg_tag); END $$",
)
COUNTING = (
    *SEEING,
    "CREATE EVENT TRIGGER see ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER') "
    "EXECUTE FUNCTION public.see()",
)
ALL_TABLES = ("CREATE PUBLICATION everything FOR ALL TABLES",)
OF_SCHEMA = ("CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA public",)

SURROUNDED = {
    "an event trigger": (COUNTING, "accept_event_triggers", "ALTER EVENT TRIGGER see DISABLE"),
    "a publication of all tables": (ALL_TABLES, "accept_published_copy", "everything"),
    "a publication of the schema": (OF_SCHEMA, "accept_published_copy", "of_schema"),
}


def accepting(chain: Chain, **reasons: str) -> Chain:
    options: Options = replace(OPTIONS, **reasons)  # type: ignore[arg-type]
    return replace(chain, options=options)


@pytest.mark.parametrize("name", SURROUNDED)
def test_what_surrounds_the_table_stops_the_copy_until_a_reason_is_given(
    name: str, chain_at: ChainAt
) -> None:
    setup, option, said = SURROUNDED[name]
    chain = chain_at("0002")
    chain.run(*setup)
    (gate,) = closed(named(chain))
    assert any(said in key for key in gate.keys), gate.keys
    portrait = chain.portrait()

    with pytest.raises(GateClosed) as refused:
        chain.up("0003")

    assert said in str(refused.value) and option.replace("_", "-") in str(refused.value)
    assert chain.portrait() == portrait
    accepting(chain, **{option: "it only watches"}).up("0003")
    assert chain.query("SELECT step, option, reason FROM public_refactor.acceptance") == [
        ("copy_table", option.replace("_", "-"), "it only watches")
    ]
    chain.up_to("0010", after="0003")
    chain.down_to("0002", before="0010")


def test_a_reason_for_one_gate_opens_no_other_of_its_step(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    chain.run(*COUNTING, *ALL_TABLES)

    with pytest.raises(GateClosed, match="everything"):
        accepting(chain, accept_event_triggers="it only watches").up("0003")

    both = {"accept_event_triggers": "it only watches", "accept_published_copy": "known"}
    accepting(chain, **both).up("0003")


@pytest.mark.parametrize(
    "other",
    ["ddl_command_end WHEN TAG IN ('CREATE DOMAIN')", "table_rewrite WHEN TAG IN ('ALTER TYPE')"],
)
def test_event_triggers_that_see_no_step_are_not_asked_for(other: str, chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    chain.run(*SEEING, f"CREATE EVENT TRIGGER see ON {other} EXECUTE FUNCTION public.see()")
    assert not closed(named(chain))
    chain.run("DROP EVENT TRIGGER see", *COUNTING[2:])
    assert closed(named(chain))
    chain.run("ALTER EVENT TRIGGER see DISABLE")
    chain.up("0003")


@pytest.mark.parametrize(
    "subject", [EVERYTHING, in_place(EVERYTHING, "family"), renamed(EVERYTHING)]
)
def test_every_command_that_a_step_sends_is_one_that_is_asked_for(
    subject: Subject, template_database: TemplateDatabase
) -> None:
    chain = Chain(template_database(f"commands of {subject.plan.shape}", FILLED), subject)
    chain.run(
        # PostgreSQL 18 runs deferred triggers otherwise, and without this the table is refused.
        "ALTER FUNCTION public.noted() SET search_path = pg_catalog, pg_temp",
        "CREATE TABLE public.commands (tag text)",
        "CREATE FUNCTION public.listed() RETURNS event_trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO public.commands VALUES (tg_tag); END $$",
        "CREATE EVENT TRIGGER listing ON ddl_command_start EXECUTE FUNCTION public.listed()",
    )
    chain = accepting(chain, accept_event_triggers="it only lists")
    chain.up_to("0011")
    chain.down_to("0002", before=subject.revisions[-1])

    sent = {tag for (tag,) in chain.query("SELECT DISTINCT tag FROM public.commands")}
    assert len(sent) > 10
    assert sorted(sent - COMMANDS) == []


def test_a_trigger_by_position_that_came_after_the_copy_is_asked_for_at_the_next_step(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0004")
    body = FUNCTION.format(body="INSERT INTO public.history SELECT OLD.*", when="")
    chain.run(*(text.format(t=WIDE) for text in (HISTORY, body)))

    with pytest.raises(GateClosed, match="takes a row apart by the position"):
        chain.up("0005")

    accepting(chain, accept_whole_rows="it goes before 0010", accept_usage="test").up("0005")


def test_one_that_came_to_the_child_is_asked_for_before_its_columns_go(chain_at: ChainAt) -> None:
    chain = chain_at("0009")
    chain.run(
        f"CREATE TABLE public.history AS TABLE {COPY} WITH NO DATA",
        "CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO public.history SELECT OLD.*; RETURN NULL; END $$",
        f"CREATE TRIGGER watch AFTER UPDATE ON {COPY} FOR EACH ROW EXECUTE FUNCTION public.watch()",
    )

    with pytest.raises(GateClosed, match="takes a row apart by the position") as refused:
        chain.up("0010")
    assert 'alembic -x accept-whole-rows="REASON" upgrade 0010' in str(refused.value)


def test_a_reason_given_before_the_copy_counts_at_the_later_steps(chain_at: ChainAt) -> None:
    chain = watched(chain_at, "INSERT INTO public.history SELECT OLD.*", before=HISTORY)
    accepting(chain, accept_whole_rows="history is mended soon").up("0003")

    chain.up_to("0010", after="0003")
