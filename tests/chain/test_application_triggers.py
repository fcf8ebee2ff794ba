"""The tool's own writes fire no trigger of the application: a round trip changes no fact."""

from __future__ import annotations

from itertools import product

import psycopg
import pytest

from membership_refactor.portrait import Trigger
from membership_refactor.sql.quoting import ident
from membership_refactor.steps.firing_triggers import updated_columns
from membership_refactor.testing.scratch_databases import Build
from tests.chain.driver import Chain, Subject, build, insert, said, snapshot
from tests.chain.subjects import MEMBERSHIP, ODD, UNCHANGED
from tests.fixtures.chains import ChainAt
from tests.inspect.tables import odd_rows

STAMP = """
CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.{changed} := now() + interval '1 day'; RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION public.stamp()
"""
AUDIT = """
CREATE TABLE public.audit (n bigserial, what text, was jsonb, is_now jsonb);
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.audit (what, was, is_now) VALUES (TG_OP, to_jsonb(OLD), to_jsonb(NEW));
  RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {t}
  FOR EACH ROW EXECUTE FUNCTION public.audit()
"""
AUDIT_ALWAYS = f"{AUDIT};\nALTER TABLE {{t}} ENABLE ALWAYS TRIGGER audit"
PER_STATEMENT = """
CREATE TABLE public.audit (n bigserial, rows bigint);
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.audit (rows) SELECT count(*) FROM changed; RETURN NULL; END $$;
CREATE TRIGGER audit AFTER UPDATE ON {t} REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION public.audit()
"""
DEFERRED = """
CREATE TABLE public.audit (n bigserial);
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql
  SET search_path = public, pg_temp AS $$
BEGIN INSERT INTO public.audit DEFAULT VALUES; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER audit AFTER UPDATE ON {t} DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION public.audit()
"""
REFUSING = """
CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'values of the past are final'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION public.refuse()
"""
TRIGGERS = {
    "a time of change": STAMP,
    "an audit": AUDIT,
    "an audit that always fires": AUDIT_ALWAYS,
    "an audit of statements": PER_STATEMENT,
    "a deferred audit": DEFERRED,
    "a refusal of every update": REFUSING,
}
SUBJECTS: dict[str, Subject] = {"membership": MEMBERSHIP, "odd": ODD, "unchanged": UNCHANGED}


def disagreeing(subject: Subject) -> Build:
    """The odd rows, those of a group with unlike values and times."""
    rows = [
        {
            **row,
            "First\\": f"f{n}",
            "latest{first}": f"l{n}",
            "max num": f"{n}.50",
            'um "%d"': f"2020-01-{n + 1:02} 00:00:00",
        }
        for n, row in enumerate(odd_rows())
    ]
    if subject.plan.changed is None:
        rows = [{k: v for k, v in row.items() if k != 'um "%d"'} for row in rows]
    return build(subject, insert(subject, rows))


def with_trigger(chain: Chain, text: str) -> None:
    changed = chain.plan.changed or chain.plan.child_columns[0]
    chain.run(
        *(
            one.format(t=chain.names.source, changed=ident(changed))
            for one in text.replace("$$;", "$$;\n--").split(";\n--")
        )
    )


def audited(chain: Chain) -> int:
    there = chain.value("SELECT to_regclass('public.audit') IS NOT NULL")
    return int(chain.value("SELECT count(*) FROM public.audit")) if there else 0


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        pytest.param(subject, name, marks=() if n % 4 == 0 else pytest.mark.slow)
        for n, (subject, name) in enumerate(product(SUBJECTS, TRIGGERS))
    ],
)
def test_a_round_trip_gives_back_every_row_and_fires_no_trigger(
    name: str, subject: str, chain_at: ChainAt
) -> None:
    of = SUBJECTS[subject]
    chain = (
        chain_at("0002")
        if of is MEMBERSHIP
        else chain_at("0002", subject=of, name=f"disagreeing {subject}", first=disagreeing(of))
    )
    with_trigger(chain, TRIGGERS[name])
    source = chain.source()

    chain.up_to("0008")
    first = snapshot(chain).tables
    assert audited(chain) == 0
    chain.up("0009")
    chain.down_to("0002", before="0009")

    assert chain.source() == source
    assert audited(chain) == 0
    chain.up_to("0008")
    assert snapshot(chain).tables == first
    assert audited(chain) == 0
    definition = "SELECT tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    assert chain.query(f"{definition} AND tgname IN ('stamp', 'audit', 'refuse')")[0][0] == (
        "A" if name == "an audit that always fires" else "O"
    )


OTHER_COLUMNS = """
CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RETURN NULL; END $$;
CREATE TRIGGER watch AFTER INSERT OR UPDATE OF curriculum_id, intrepid_id OR DELETE ON {t}
  FOR EACH ROW EXECUTE FUNCTION public.watch();
CREATE TRIGGER moved AFTER UPDATE OF curriculum_id, rotation, amended_date ON {t}
  FOR EACH STATEMENT EXECUTE FUNCTION public.watch();
CREATE TRIGGER born AFTER INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION public.watch();
CREATE TRIGGER "off" AFTER UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION public.watch();
ALTER TABLE {t} DISABLE TRIGGER "off"
"""
SILENT = "that gives them the values that they have, such as SET x = x"
CARRIED = "for each other row of the same parent"


@pytest.mark.parametrize("text", [AUDIT, AUDIT_ALWAYS, PER_STATEMENT, DEFERRED, STAMP])
def test_plan_names_a_trigger_that_fires_otherwise(text: str, chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    with_trigger(chain, text)
    name = "stamp" if text is STAMP else "audit"
    lines = [line for line in said(chain).splitlines() if f'trigger "{name}"' in line]
    assert [SILENT in line for line in lines] == [False]
    assert [CARRIED in line for line in lines] == [True]
    assert "watches every column" in lines[0]


def test_plan_names_no_trigger_that_fires_as_ever(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    assert SILENT not in said(chain) and CARRIED not in said(chain)
    with_trigger(chain, OTHER_COLUMNS)
    lines = said(chain).splitlines()
    (carried,) = (line for line in lines if CARRIED in line)
    assert 'trigger "moved"' in carried and "watches rotation, amended_date." in carried
    silent = " ".join(line for line in lines if SILENT in line)
    assert 'trigger "watch"' in silent and 'trigger "moved"' in silent
    assert 'trigger "born"' not in silent and 'trigger "off"' not in silent


def test_what_plan_says_of_triggers_is_so(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    with_trigger(chain, AUDIT)
    chain.up_to("0004")
    source, copy, parent = chain.names.source, chain.names.copy, chain.names.parent
    chain.run(
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'rotation is final'; END $$",
        f"CREATE TRIGGER refuse BEFORE UPDATE OF rotation ON {source} FOR EACH ROW"
        " EXECUTE FUNCTION public.refuse()",
    )
    chain.run(f"UPDATE {copy} SET rotation = rotation")
    with pytest.raises(psycopg.errors.RaiseException, match="rotation is final"):
        chain.run(f"UPDATE {source} SET rotation = rotation")
    chain.run(f"DROP TRIGGER refuse ON {source}")
    chain.up_to("0008", after="0004")
    chain.run("DELETE FROM public.audit")
    uuid, family = chain.query(
        f"SELECT programme_membership_uuid, count(*) FROM {copy} GROUP BY 1 ORDER BY 2 DESC"
    )[0]
    assert family > 1
    chain.run(f"UPDATE {parent} SET rotation = 'new' WHERE uuid = '{uuid}'")
    assert audited(chain) == family


@pytest.mark.parametrize(
    ("events", "columns"),
    [
        ("INSERT", None),
        ("UPDATE", ()),
        ("INSERT OR DELETE OR UPDATE", ()),
        ("INSERT OR UPDATE OF a", ("a",)),
        ('INSERT OR DELETE OR UPDATE OF a, "ON", "Of%"', ("a", "ON", "Of%")),
    ],
)
def test_the_columns_of_update_of_are_read_from_the_definition(
    events: str, columns: tuple[str, ...] | None
) -> None:
    for kind, name in (("TRIGGER", '"ON"'), ("CONSTRAINT TRIGGER", '"UPDATE"'), ("TRIGGER", "t")):
        definition = (
            f'CREATE {kind} {name} AFTER {events} ON public."UPDATE" FOR EACH ROW'
            " WHEN ((old.a IS DISTINCT FROM new.a)) EXECUTE FUNCTION public.f()"
        )
        trigger = Trigger(name=name, definition=definition)
        assert updated_columns(trigger) == columns
