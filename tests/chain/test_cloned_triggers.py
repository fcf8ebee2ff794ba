"""Row triggers of the tool on a partitioned table, which PostgreSQL clones to each partition."""

from __future__ import annotations

import pytest

from membership_refactor.errors import CheckFailed, StepInterrupted
from membership_refactor.inspect.all_comparisons import repair_all, repair_objects, verify_all
from membership_refactor.sql.triggers import before
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Chain, build
from tests.chain.fixed import fill
from tests.chain.partitioned import NAME
from tests.chain.test_odd_partitions import SUBJECTS
from tests.chain.test_partitioned import apart
from tests.fixtures.chains import ChainAt

SOURCE = f"public.{NAME}"
SUBJECT = SUBJECTS["renamed, odd names"]
MOVING = f'"{before("to_copy_moving")}"'
LEAF = 'public."of ""Ü"" %s \'x\'"'
OTHER_TEXT = (
    f"DROP TRIGGER {MOVING} ON {SOURCE}",
    f"CREATE TRIGGER {MOVING} BEFORE UPDATE ON {SOURCE} FOR EACH ROW"
    " EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
)
TOUCHED = {
    "dropped": (f"DROP TRIGGER {MOVING} ON {SOURCE}",),
    "made otherwise": OTHER_TEXT,
    "disabled": (f"ALTER TABLE {SOURCE} DISABLE TRIGGER {MOVING}",),
    "disabled on a partition": (f"ALTER TABLE {LEAF} DISABLE TRIGGER {MOVING}",),
    "disabled alone": (f"ALTER TABLE ONLY {SOURCE} DISABLE TRIGGER {MOVING}",),
}


def chain_of(chain_at: ChainAt, revision: str) -> Chain:
    return chain_at(
        revision, subject=SUBJECT, name="odd, renamed, odd names", first=build(SUBJECT, fill)
    )


@pytest.mark.parametrize("touch", TOUCHED)
def test_one_that_is_touched_is_found_and_mended(touch: str, chain_at: ChainAt) -> None:
    chain = chain_of(chain_at, "0003")
    whole = chain.own_objects()
    chain.run(*TOUCHED[touch])
    with pytest.raises(CheckFailed, match="own triggers and functions stand"):
        chain.up("0004")
    repair_objects(chain.runner())
    repair_all(chain.runner(), verify_all(chain.runner()))
    assert chain.own_objects() == whole
    assert apart(chain) == []
    chain.up("0004")


class _Stopped(Exception):
    """The client ends here."""


@pytest.mark.parametrize("touch", TOUCHED)
def test_a_step_in_which_one_is_touched_is_taken_back(touch: str, chain_at: ChainAt) -> None:
    """The log's, between two actions."""
    chain = chain_of(chain_at, "0002")

    def stop(text: str) -> None:
        if 'ANALYZE "public"."curriculum_membership"' in text:
            raise _Stopped

    with pytest.raises(_Stopped):
        chain.runner(engine=watched(chain.url, stop)).upgrade("copy_table")
    of_log = before("copy_log_moving")
    chain.run(*(text.replace(MOVING, f'"{of_log}"') for text in TOUCHED[touch]))
    with pytest.raises((CheckFailed, StepInterrupted)):
        chain.up("0003")
    chain.runner().abandon()
    assert not any(text.startswith("trigger") for text in chain.own_objects())
    chain.up("0003")
    assert apart(chain) == []
