"""A rehearsal of a partitioned table: by the root and by its partitions, up, down and up."""

from __future__ import annotations

import pytest

from tests.chain.driver import build
from tests.chain.fixed import fill
from tests.chain.partitioned import PARTITIONED
from tests.fixtures.chains import ChainAt
from tests.rehearsal.rehearsing import rehearsed


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTITIONED)
def test_nothing_is_found_that_is_not_documented(name: str, chain_at: ChainAt) -> None:
    subject = PARTITIONED[name]
    chain = chain_at("0002", subject=subject, name=name, first=build(subject, fill))

    done = rehearsed(chain, back=True)

    assert done.surprises == []
    assert done.tried > 100
