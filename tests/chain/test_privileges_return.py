"""A downgrade brings no table back to readers and writers who have been shut out meanwhile."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from membership_refactor.errors import CheckFailed
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt

WIDE, CHILD = "public.programme_membership", "public.curriculum_membership"


@pytest.fixture
def reader(chain_at: ChainAt) -> Iterator[tuple[Chain, str]]:
    """A chain at 0005, and a role that may read some and write some of it."""
    chain, role = chain_at("0004"), f"reader_{time.time_ns()}"
    chain.run(
        f"CREATE ROLE {role}",
        *(f"GRANT SELECT, UPDATE (rotation, intrepid_id) ON {t} TO {role}" for t in (WIDE, CHILD)),
    )
    chain.up("0005")
    yield chain, role
    chain.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


CHANGES = (
    f"REVOKE SELECT ON {CHILD} FROM {{role}}",
    f"REVOKE UPDATE (rotation) ON {CHILD} FROM {{role}}",
    f"ALTER TABLE {CHILD} ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY own ON {CHILD} AS RESTRICTIVE TO {{role}} USING (id > 10)",
)


@pytest.mark.parametrize(
    ("revision", "change"),
    # The column goes with 0010, and its grant with it.
    [
        (revision, change)
        for revision in ("0005", "0008", "0010")
        for change in CHANGES
        if not (revision == "0010" and "rotation" in change)
    ],
)
def test_who_was_shut_out_since_0005_is_not_let_in_by_the_way_down(
    change: str, revision: str, reader: tuple[Chain, str]
) -> None:
    chain, role = reader
    chain.up_to(revision, after="0005")
    chain.run(change.format(role=role))
    with pytest.raises(CheckFailed, match="admits nobody else") as refused:
        chain.down_to("0004", before=revision)
    named = re.search(r"first keys: (.*)\)\. Run each", str(refused.value))
    assert named is not None
    as_on = re.compile(r" as on .*")
    chain.run(as_on.sub(f" AS RESTRICTIVE TO {role} USING (id > 10)", named[1]))
    chain.down_to("0004", before=revision)
    chain.up("0005")


def test_grants_that_follow_the_columns_are_no_reason(reader: tuple[Chain, str]) -> None:
    chain, role = reader
    chain.up_to("0010", after="0005")
    chain.run(f"GRANT UPDATE ON {CHILD} TO {role}")
    chain.down_to("0004", before="0010")
