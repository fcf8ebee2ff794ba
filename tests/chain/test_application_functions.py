"""Functions of the application find what they name, whichever table of the plan is written."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config

from membership_refactor.cli.plan import revision_texts
from membership_refactor.database import libpq_url
from membership_refactor.errors import CannotCarry
from membership_refactor.inspect.all_comparisons import repair_objects
from membership_refactor.inspect.check_results import CheckOutcome
from membership_refactor.inspect.checks import StandingChecks
from membership_refactor.inspect.forecast import forecast
from membership_refactor.testing.scratch_databases import Databases
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt

ROOT = Path(__file__).parents[2]
WIDE, COPY = "public.programme_membership", "public.curriculum_membership"
AUDIT = """
CREATE TABLE public.audit_log (n bigserial PRIMARY KEY, what text, who text);
CREATE FUNCTION public.tidy(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN trim(t); END $$;
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audit_log (what) VALUES (tidy(TG_OP)); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {t}
  FOR EACH ROW EXECUTE FUNCTION public.audit()
"""
SWALLOWED = AUDIT.replace(
    "RETURN NULL; END $$;\nCREATE TRIGGER",
    "RETURN NULL; EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$;\nCREATE TRIGGER",
)
NESTED = """
CREATE TABLE public.audit_log (n bigserial PRIMARY KEY, what text);
CREATE FUNCTION public.note(t text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO audit_log (what) VALUES (t) $$;
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM public.note(TG_OP); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION public.audit()
"""
TRIGGER_OF_THE_LOG = """
CREATE TABLE public.audit_log (n bigserial PRIMARY KEY, what text);
CREATE TABLE public.inbox (what text);
CREATE FUNCTION public.forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO inbox VALUES (NEW.what); DELETE FROM audit_log WHERE n < 0; RETURN NULL; END $$;
CREATE TRIGGER forward AFTER INSERT ON public.inbox
  FOR EACH ROW EXECUTE FUNCTION public.forward();
DROP TRIGGER forward ON public.inbox;
CREATE TRIGGER forward AFTER INSERT ON public.audit_log
  FOR EACH ROW EXECUTE FUNCTION public.forward();
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.audit_log (what) VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION public.audit()
"""
DYNAMIC = """
CREATE TABLE public.audit_log (n bigserial PRIMARY KEY, what text);
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN EXECUTE 'INSERT INTO audit_log (what) VALUES ($1)' USING TG_OP; RETURN NULL; END $$;
CREATE TRIGGER audit AFTER UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION public.audit()
"""
TRIGGERS = {
    "bare names": AUDIT,
    "bare names, errors swallowed": SWALLOWED,
    "a function called by its full name": NESTED,
    "a trigger of the table it writes": TRIGGER_OF_THE_LOG,
    "a statement in a string": DYNAMIC,
}


@pytest.fixture
def role(databases: Databases) -> Iterator[str]:
    """A role without rights; ask for it before the database, which then goes first."""
    name = f"mr_stranger_{secrets.token_hex(3)}"
    with psycopg.connect(libpq_url(databases.server.url), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name}".encode())
        yield name
        connection.execute(f"DROP ROLE {name}".encode())


def run(chain: Chain, text: str) -> None:
    with psycopg.connect(libpq_url(chain.url)) as connection:
        connection.execute(text.format(t=WIDE).encode())


def logged(chain: Chain) -> int:
    return int(chain.value("SELECT count(*) FROM public.audit_log"))


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_finds_its_names_when_the_other_table_is_written(
    name: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0002")
    run(chain, TRIGGERS[name])
    chain.up_to("0004")
    assert logged(chain) == 0

    chain.run(f"UPDATE {COPY} SET curriculum_id = 2 WHERE id = 2")
    assert logged(chain) == 1
    chain.run(f"UPDATE {WIDE} SET curriculum_id = 0 WHERE id = 2")
    assert logged(chain) == 2

    chain.up_to("0008", after="0004")
    before = logged(chain)
    chain.run(
        "UPDATE public.programme_membership AS p SET training_pathway = 'other' "
        f"FROM {COPY} AS c WHERE c.id = 2 AND p.uuid = c.programme_membership_uuid"
    )
    assert logged(chain) > before


def test_a_trigger_that_a_cascade_reaches_finds_its_names(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(chain, AUDIT.replace("ON {t}", "ON public.dependent").replace(
        "CREATE TRIGGER",
        f"CREATE TABLE public.dependent (id int REFERENCES {WIDE} ON DELETE CASCADE);\n"
        "INSERT INTO public.dependent VALUES (2);\nCREATE TRIGGER",
    ))  # fmt: skip
    chain.up_to("0004")
    chain.run(f"DELETE FROM {COPY} WHERE id = 2")
    assert logged(chain) == 1


NORM = """
CREATE TABLE public.known (word text);
INSERT INTO public.known VALUES ('one');
CREATE FUNCTION public.tidy(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN trim(t); END $$;
CREATE FUNCTION public.norm(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN lower(tidy(t)); END $$;
"""
EXPRESSIONS = {
    "a CHECK": f"ALTER TABLE {WIDE} ADD CONSTRAINT tidy CHECK (public.norm(intrepid_id) <> 'no')",
    "a CHECK of the parent": (
        f"ALTER TABLE {WIDE} ADD CONSTRAINT tidy CHECK (public.norm(rotation) <> 'no')"
    ),
    "a generated column": (
        f"ALTER TABLE {WIDE} ADD normal text GENERATED ALWAYS AS (public.norm(intrepid_id)) STORED"
    ),
    "an index": f"CREATE INDEX ix_norm ON {WIDE} (public.norm(intrepid_id))",
    "an index of the parent": f"CREATE INDEX ix_norm ON {WIDE} (public.norm(rotation))",
    "a condition of an index": (
        f"CREATE INDEX ix_norm ON {WIDE} (id) WHERE public.norm(intrepid_id) = ''"
    ),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_functions_in_expressions_find_their_names_on_the_way_up_and_down(
    name: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0002")
    run(chain, NORM)
    if chain.portrait().server_version >= 170000 and "index" in name:
        chain.run("ALTER FUNCTION public.norm SET search_path = public, pg_temp",
                  EXPRESSIONS[name], "ALTER FUNCTION public.norm RESET search_path")  # fmt: skip
        with pytest.raises(CannotCarry, match=r"ALTER FUNCTION public\.norm\(text\) SET"):
            chain.up("0003")
        return
    chain.run(EXPRESSIONS[name])
    source = chain.source()
    chain.up_to("0004")
    chain.run(f"UPDATE {COPY} SET intrepid_id = ' New ' WHERE id = 2")
    chain.run(f"UPDATE {COPY} SET intrepid_id = NULL WHERE id = 2")
    chain.up_to("0010", after="0004")
    chain.down_to("0002", before="0010")
    assert chain.source() == source


IN_APP = AUDIT.replace("public.audit_log", "app.audit_log").replace("public.tidy", "app.tidy")
CONFIGURED = (
    "CREATE SCHEMA app;\n"
    "DO $do$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app, public', "
    "current_database()); END $do$;\n"
)


def refused(chain: Chain) -> str:
    """What 0003 says; nothing is changed by it."""
    before = chain.portrait()
    with pytest.raises(CannotCarry) as error:
        chain.up("0003")
    assert chain.portrait() == before
    assert chain.runner().abandon() is None
    return str(error.value)


def test_names_are_found_where_the_database_looks_for_them(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(chain, CONFIGURED + IN_APP)
    chain.up_to("0004")
    chain.run(f"UPDATE {COPY} SET curriculum_id = 2 WHERE id = 2")
    assert chain.value("SELECT count(*) FROM app.audit_log") == 1
    paths = chain.query("SELECT DISTINCT c FROM pg_proc, unnest(proconfig) AS c "
                        "WHERE proname ~ 'to_(source|copy)' AND c ~ 'search_path'")  # fmt: skip
    assert paths == [("search_path=pg_catalog, app, pg_temp",)]


def test_an_operator_of_another_schema_is_found(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(
        chain,
        CONFIGURED
        + """
CREATE TABLE public.audit_log (n bigserial, what boolean);
CREATE FUNCTION app.like_it(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE
  AS $$ SELECT lower($1) = lower($2) $$;
CREATE OPERATOR app.~=~ (LEFTARG = text, RIGHTARG = text, FUNCTION = app.like_it);
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.audit_log (what) VALUES ('A'::text ~=~ 'a'::text); RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION public.audit();
""",
    )
    chain.up_to("0004")
    chain.run(f"UPDATE {COPY} SET curriculum_id = 2 WHERE id = 2")
    assert chain.query("SELECT what FROM public.audit_log") == [(True,)]


def test_a_type_of_another_schema_is_found_and_a_column_of_its_name_is_none(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0002")
    run(
        chain,
        CONFIGURED
        + """
CREATE TYPE app.mood AS ENUM ('good', 'bad');
CREATE TYPE app.rotation AS ENUM ('x');
CREATE TABLE public.audit_log (n bigserial, mood text);
SET LOCAL search_path = app, public;
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE now_is mood := 'good';
BEGIN
  INSERT INTO public.audit_log (mood) VALUES ('bad'::mood), (now_is);
  IF (SELECT rotation FROM public.programme_membership LIMIT 1) = 'x' THEN NULL; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION public.audit();
""",
    )
    table = chain.portrait().table("programme_membership")
    assert [n for r in table.routines for need in r.needs for n in need.names] == ["mood"]
    chain.up_to("0004")
    chain.run(f"UPDATE {COPY} SET curriculum_id = 2 WHERE id = 2")
    assert chain.query("SELECT mood FROM public.audit_log ORDER BY n") == [("bad",), ("good",)]


@pytest.mark.parametrize("who", ["PUBLIC", "stranger"])
def test_a_schema_in_which_others_may_create_is_refused(
    who: str, role: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0002")
    grantee, quoted = (role, f'"{role}"') if who == "stranger" else (who, who)
    run(chain, f"{CONFIGURED}GRANT CREATE ON SCHEMA app TO {grantee};\n{IN_APP}")
    said = refused(chain)
    assert "trigger audit calls public.audit(), whose text names audit_log, tidy" in said
    assert f'REVOKE CREATE ON SCHEMA "app" FROM {quoted}' in said

    chain.run(f"REVOKE CREATE ON SCHEMA app FROM {grantee}")
    chain.up_to("0004")
    chain.run(f"GRANT CREATE ON SCHEMA app TO {grantee}")
    with pytest.raises(CannotCarry, match='REVOKE CREATE ON SCHEMA "app"'):
        chain.down("0004")


def test_qualified_names_need_no_schema_whoever_may_create_there(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    names = IN_APP.replace("INTO audit_log", "INTO app.audit_log")
    run(chain, CONFIGURED + "GRANT CREATE ON SCHEMA app, public TO PUBLIC;\n"
        + names.replace("(tidy(", "(app.tidy("))  # fmt: skip
    chain.up_to("0004")
    chain.run(f"UPDATE {COPY} SET curriculum_id = 2 WHERE id = 2")
    assert chain.value("SELECT count(*) FROM app.audit_log") == 1


def test_a_function_with_a_path_of_its_own_needs_nothing(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(chain, CONFIGURED + IN_APP + ";\n"
        "GRANT CREATE ON SCHEMA app TO PUBLIC;\n"
        "ALTER FUNCTION public.audit() SET search_path = app, pg_temp")  # fmt: skip
    chain.up_to("0004")
    chain.run(f"UPDATE {COPY} SET curriculum_id = 2 WHERE id = 2")
    assert chain.value("SELECT count(*) FROM app.audit_log") == 1
    assert not chain.query("SELECT FROM pg_proc, unnest(proconfig) AS c "
                           "WHERE proname ~ 'to_source' AND c ~ 'search_path.*app'")  # fmt: skip


def test_a_name_that_two_paths_find_in_two_schemas_is_refused(role: str, chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(chain, CONFIGURED + IN_APP + ";\nCREATE TABLE public.audit_log (what text);\n"
        f"GRANT INSERT ON {WIDE} TO {role};\n"
        f"ALTER ROLE {role} SET search_path = public")  # fmt: skip
    assert "audit_log (public or app) without a schema" in refused(chain)
    chain.run("ALTER FUNCTION public.audit() SET search_path = app, pg_temp")
    chain.up("0003")


def test_a_schema_that_the_owner_may_not_use_is_refused(role: str, chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(chain, f"{CONFIGURED}{IN_APP};\nALTER TABLE {{t}} OWNER TO {role};\n"
        f"GRANT CREATE ON SCHEMA public TO {role};\n"
        f"GRANT REFERENCES ON ALL TABLES IN SCHEMA public TO {role}")  # fmt: skip
    assert f'GRANT USAGE ON SCHEMA "app" TO "{role}"' in refused(chain)


def test_the_forecast_names_it_before_the_first_step(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(chain, f"{CONFIGURED}GRANT CREATE ON SCHEMA app TO PUBLIC;\n{IN_APP}")
    made, _ = forecast(chain.runner(), revision_texts(Config(ROOT / "alembic.ini")))
    assert any('REVOKE CREATE ON SCHEMA "app"' in line for line in made.steps[0].refusals)


def test_a_table_of_the_writers_session_does_not_take_the_place(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(chain, CONFIGURED + IN_APP)
    chain.up_to("0004")
    chain.run(
        "CREATE TEMP TABLE audit_log (what text)",
        f"UPDATE {COPY} SET curriculum_id = 2 WHERE id = 2",
    )
    assert chain.value("SELECT count(*) FROM app.audit_log") == 1


def questions(chain: Chain) -> dict[str, CheckOutcome]:
    asked = StandingChecks(chain.runner(), models=lambda _: ()).questions()
    return {q.name: q.ask() for q in asked if q.name == "functions find what they name"}


@pytest.mark.parametrize("revision", ["0004", "0008"])
def test_a_trigger_that_comes_between_two_steps_is_noticed_and_repair_gives_the_schema(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    assert questions(chain) == {}
    origin = WIDE if revision == "0004" else COPY
    run(chain, CONFIGURED + IN_APP.replace("{t}", origin))
    (outcome,) = questions(chain).values()
    assert outcome.broken and "does not have the schema app" in outcome.keys[0]
    write = (
        f"UPDATE {COPY} SET curriculum_id = 2 WHERE id = 2"
        if revision == "0004"
        else f"UPDATE {WIDE} SET training_pathway = 'x' WHERE uuid IN (SELECT "
        f"programme_membership_uuid FROM {COPY} WHERE id = 2)"
    )
    with pytest.raises(psycopg.errors.UndefinedTable):
        chain.run(write)

    assert any("schema app" in line for line in repair_objects(chain.runner()))
    assert repair_objects(chain.runner()) == ()
    assert [o.broken for o in questions(chain).values()] == [0]
    chain.run(write)
    assert int(chain.value("SELECT count(*) FROM app.audit_log")) > 0
    chain.up("0005" if revision == "0004" else "0009")


def test_a_schema_that_opens_between_two_steps_is_noticed(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(chain, CONFIGURED + IN_APP)
    chain.up_to("0004")
    assert [o.broken for o in questions(chain).values()] == [0]
    chain.run("GRANT CREATE ON SCHEMA app TO PUBLIC")
    (outcome,) = questions(chain).values()
    assert outcome.broken and "REVOKE CREATE ON SCHEMA" in outcome.keys[0]
    assert repair_objects(chain.runner()) == ()
