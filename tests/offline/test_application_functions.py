"""A script gives the tool's functions the schemas that functions of the application need."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.portrait import from_json, to_json
from tests.chain.test_application_functions import AUDIT, COPY, NORM, WIDE, run
from tests.fixtures.chains import ChainAt
from tests.offline.scripts import PACE, Script


def test_a_script_finds_names_and_asks_for_rows_by_position(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    run(chain, AUDIT)
    run(chain, NORM.replace("public.tidy(t", "public.trim_it(t").replace("tidy(t)", "trim_it(t)"))
    chain.run(
        f"ALTER TABLE {WIDE} ADD CONSTRAINT normal CHECK (public.norm(intrepid_id) <> 'no')",
        "CREATE TABLE public.history (id int)",
        "CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO history SELECT OLD.*; RETURN NULL; END $$",
        f"CREATE TRIGGER keep AFTER DELETE ON {WIDE} FOR EACH ROW EXECUTE FUNCTION public.keep()",
    )
    script = Script(chain, from_json(to_json(chain.portrait())))
    script.up("0003", "0004").stopped("INSERT INTO history SELECT OLD.*", "accept-whole-rows")

    accepted = replace(script, pace=replace(PACE, accept_whole_rows="history goes soon"))
    accepted.up("0003", "0004").fine()
    chain.run(f"UPDATE {COPY} SET intrepid_id = 'new' WHERE id = 2")
    assert chain.query("SELECT what FROM public.audit_log") == [("UPDATE",)]
