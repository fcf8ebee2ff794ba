"""A script whose replay is outpaced by writers ends with their rate, and the runner goes on."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.chain.driver import Chain
from tests.offline.scripts import UP, Script, run_psql
from tests.offline.test_interrupted import assert_undisturbed, brought, step

# Whenever the replay takes from the log, as much has come: more than is ever left to the lock.
REFILL = """
CREATE FUNCTION public.refill() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
  EXECUTE format('INSERT INTO %s (keys, n) VALUES (array_fill(1::bigint, ARRAY[2500]), 2500)',
    TG_RELID::regclass);
  RETURN NULL; END $$;
CREATE FUNCTION public.hang() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE log text; BEGIN
  SELECT object_identity INTO log FROM pg_event_trigger_ddl_commands()
    WHERE object_identity LIKE '%copy\\_log%' AND object_type = 'table';
  IF log IS NOT NULL THEN
    EXECUTE format('CREATE TRIGGER refill AFTER DELETE ON %s EXECUTE FUNCTION public.refill();'
      'INSERT INTO %1$s (keys, n) VALUES (ARRAY[1], 1)', log);
  END IF; END $$;
CREATE EVENT TRIGGER hang ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
  EXECUTE FUNCTION public.hang();
"""


def test_a_script_that_writers_outpace_says_so_and_is_finished_by_the_runner(
    script: Script, online: Chain
) -> None:
    chain = script.chain
    brought(chain, script, "0003", UP)
    chain.run(REFILL)
    hurried = replace(
        script, pace=replace(script.pace, lock_timeout=1, accept_event_triggers="it makes writes")
    )
    outcome = run_psql(chain.url, hurried.text(["0003"])).stopped(
        "arrive faster than they can be replayed", "Reduce the writes for a while"
    )
    found = re.search(r"(\d+) keys a second came, (\d+) a second were replayed, and (\d+) wait",
                      outcome.said)  # fmt: skip
    assert found is not None, outcome.said
    assert int(found[1]) > 0
    assert int(found[3]) == 2500
    chain.run("DROP EVENT TRIGGER hang; DROP FUNCTION public.refill() CASCADE")
    chain.run("DROP FUNCTION public.hang()")
    step(chain, "0003", UP)
    brought(online, script, "0003", UP)
    step(online, "0003", UP)
    assert_undisturbed(chain, online)
