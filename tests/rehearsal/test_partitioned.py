"""A rehearsal of a partitioned table: by the root and by its partitions, up, down and up."""

from __future__ import annotations

import pytest

from tests.chain.driver import build
from tests.chain.fixed import fill
from tests.chain.partitioned import PARTITIONED
from tests.chain.subjects import MEMBERSHIP
from tests.fixtures.chains import ChainAt
from tests.rehearsal.rehearsing import rehearsed

# The shipped plan is rehearsed by its revisions, and the first one asks for the plain table.
NAMES = [name for name, subject in PARTITIONED.items() if subject.plan != MEMBERSHIP.plan]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_that_is_not_documented(name: str, chain_at: ChainAt) -> None:
    subject = PARTITIONED[name]
    chain = chain_at("0002", subject=subject, name=name, first=build(subject, fill))

    done = rehearsed(chain, back=True)

    assert done.surprises == []
    assert done.tried > 100
