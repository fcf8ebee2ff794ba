"""What nobody made for the tool, and what each write through it needs: the rights of the owner, the
order of triggers, NOT NULL that is valid, options that PostgreSQL keeps for itself, names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from membership_refactor.checks.guard import surroundings
from membership_refactor.errors import CannotCarry, CheckFailed
from membership_refactor.inspect.forecast import forecast
from membership_refactor.inspect.forecast_values import Answer
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.ddl.plan_fits import fits
from tests.chain.deployer import deployer
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt
from tests.fixtures.databases import TemplateDatabase
from tests.races.pilot import Pilot
from tests.races.stages import tables_at
from tests.races.tables import COPY as NARROW
from tests.races.tables import SOURCE, assert_equal, execute, query

WIDE, COPY = "public.programme_membership", "public.curriculum_membership"


def broken(chain: Chain) -> list[str]:
    """What the guard says of the surroundings."""
    return [key for check in surroundings(chain.names) for (key,) in chain.query(check.query)]


def named(chain: Chain, revision: str) -> list[str]:
    """What the forecast says against a step."""
    made, _ = forecast(chain.runner(), {})
    (step,) = [s for s in made.steps if s.revision == revision]
    failing = [a for a in (*step.asked, *step.gates) if a.answer is Answer.FAILS]
    return [*step.refusals, *(text for a in failing for text in a.keys)]


@pytest.mark.parametrize(
    ("privileges", "on"),
    [
        ("UPDATE, DELETE", "{t}"),
        ("TRUNCATE", "{t}"),
        ("SELECT", "{t}"),
        ("TRIGGER", "{t}"),
        ("REFERENCES", "public.person"),
        ("USAGE", "SCHEMA public"),
    ],
)
def test_an_owner_who_may_not_write_is_named_with_the_grant_before_each_step(
    privileges: str, on: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0002")
    chain.run("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    with deployer(chain) as login:
        for revision, table in (("0003", WIDE), ("0004", COPY), ("0005", WIDE)):
            named_on = on.format(t=table)
            chain.run(f"REVOKE {privileges} ON {named_on} FROM {login.owner}")
            # Who may not read at all cannot be told what else there is.
            if revision == "0003" and privileges not in ("SELECT", "USAGE"):
                assert any("GRANT" in text for text in named(login.chain, revision))
            with pytest.raises(CheckFailed, match="owner of the tables may read") as refused:
                login.chain.up(revision)
            for word in privileges.split(", "):
                assert any(word in key for key in refused.value.keys)
            chain.run(*refused.value.keys)
            login.chain.up(revision)


@pytest.mark.parametrize("name", ["übernahme", "~z", "название", "~refactor"])
@pytest.mark.parametrize("at", ["0002", "0004", "0007"])
def test_a_trigger_that_fires_behind_ours_is_named_before_the_next_step(
    at: str, name: str, chain_at: ChainAt
) -> None:
    chain = chain_at(at)
    above = {"0002": "0003", "0004": "0005", "0007": "0008"}[at]
    table = WIDE if at == "0002" else COPY
    chain.run(
        "CREATE FUNCTION public.app() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NEW; END $$",
        f'CREATE TRIGGER "{name}" BEFORE UPDATE ON {table} FOR EACH ROW'
        " EXECUTE FUNCTION public.app()",
    )
    if name == "~refactor":
        assert not broken(chain)  # "~refactor" comes before "~refactor_..."
        return
    if at == "0002":
        assert any("RENAME TO" in text for text in named(chain, above))
    with pytest.raises(CheckFailed, match="after the tool has seen it") as refused:
        chain.up(above)
    chain.run(*refused.value.keys)
    assert not broken(chain)
    if at != "0002":  # a trigger of the application on the copy is another gate's matter
        return
    chain.up(above)


def test_a_trigger_after_the_row_may_be_called_as_it_likes(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    chain.run(
        "CREATE FUNCTION public.app() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NULL; END $$",
        f'CREATE TRIGGER "über" AFTER UPDATE ON {WIDE} FOR EACH ROW EXECUTE FUNCTION public.app()',
    )
    assert not broken(chain)


def test_not_null_that_is_not_valid_is_named_before_the_copy(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    if int(chain.value("SHOW server_version_num")) < 180000:
        pytest.skip("NOT NULL NOT VALID came with PostgreSQL 18")
    chain.run(f"ALTER TABLE {WIDE} ADD CONSTRAINT r_nn NOT NULL leaving_reason NOT VALID")
    assert any("VALIDATE CONSTRAINT r_nn" in text for text in named(chain, "0003"))
    with pytest.raises(CheckFailed, match="every NOT NULL is validated") as refused:
        chain.up("0003")
    chain.run(f"UPDATE {WIDE} SET leaving_reason = '' WHERE leaving_reason IS NULL")
    chain.run(*refused.value.keys)
    chain.up("0003")


def test_options_that_postgresql_keeps_for_itself_are_no_difference(
    template_database: TemplateDatabase,
) -> None:
    """15.20 stamps each column of a new table with another number."""
    url = template_database(tables_at("0001"))

    def stamp(relation: str) -> None:
        execute(
            url,
            "UPDATE pg_attribute SET attoptions = ARRAY['pg_attver=' || attrelid]"
            f" || coalesce(attoptions, '{{}}') WHERE attrelid = '{relation}'::regclass"
            " AND attnum > 0 AND NOT attisdropped",
        )

    execute(url, "ALTER TABLE s.wide ALTER kind SET (n_distinct = -0.5)")
    stamp(SOURCE)
    with Pilot(url) as pilot:
        for revision in pilot.revisions:
            pilot.upgrade(revision)
            for relation in (SOURCE, NARROW):
                if query(url, f"SELECT to_regclass('{relation}') IS NOT NULL")[0][0]:
                    stamp(relation)
            if revision == "0004":
                assert_equal(url)
                options = query(
                    url,
                    f"SELECT attoptions FROM pg_attribute WHERE attrelid = '{NARROW}'::regclass"
                    " AND attname = 'kind'",
                )
                assert "n_distinct=-0.5" in str(options)


@pytest.mark.parametrize(("at", "move"), [("0004", "0005"), ("0005", "-0005"), ("0008", "0009")])
@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE public.person RENAME TO human", "ALTER TABLE public.person SET SCHEMA h"],
)
def test_a_table_that_foreign_keys_refer_to_keeps_its_name_or_the_step_does_not_begin(
    change: str, at: str, move: str, chain_at: ChainAt
) -> None:
    chain = chain_at(at)
    chain.run("CREATE SCHEMA h", change)
    step = chain.down if move.startswith("-") else chain.up
    with pytest.raises(CannotCarry, match=r"refers to (public\.human|h\.person)"):
        step(move.removeprefix("-"))
    back = "public.human RENAME TO person" if "human" in change else "h.person SET SCHEMA public"
    chain.run(f"ALTER TABLE {back}")
    step(move.removeprefix("-"))


@pytest.mark.parametrize("at", ["0004", "0007"])
def test_an_id_that_is_unique_no_more_is_named_before_the_next_step(
    at: str, chain_at: ChainAt
) -> None:
    chain = chain_at(at)
    tables = [WIDE, COPY] if at == "0004" else [COPY]
    for table in tables:
        (name,) = chain.query(
            f"SELECT conname FROM pg_constraint WHERE conrelid = '{table}'::regclass"
            " AND contype = 'p'"
        )[0]
        chain.run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE')
    with pytest.raises(CannotCarry, match="is not unique any more"):
        chain.up({"0004": "0005", "0007": "0008"}[at])


@pytest.mark.parametrize(
    ("column", "as_id"),
    [("found", True), ("tg_op", True), ("own_ids", True), ("uuids", False), ("kept uuid", False)],
)
def test_a_column_that_is_called_like_a_word_of_the_functions_is_named_before_the_copy(
    column: str, as_id: bool, chain_at: ChainAt
) -> None:
    chain = chain_at("0002")
    old = "id" if as_id else "leaving_reason"
    chain.run(f'ALTER TABLE {WIDE} RENAME COLUMN {old} TO "{column}"')
    plan = replace(
        chain.plan,
        id=column if as_id else chain.plan.id,
        parent_columns=tuple(
            replace(c, name=column) if c.name == old else c for c in chain.plan.parent_columns
        ),
    )
    subject = replace(chain.subject, plan=plan)
    with pytest.raises(CannotCarry, match="name of a variable or column"):
        Chain(chain.url, subject).up("0003")


@pytest.mark.parametrize("named", [{"link": "own_link"}, {"parent_id": "found"}], ids=str)
def test_a_name_that_only_the_plan_gives_is_changed_in_the_plan(named: Any) -> None:
    source = legacy_tables("public").table(SPLIT.source)
    (reason,) = fits(replace(SPLIT, **named), source)
    assert "another one in the plan" in reason
