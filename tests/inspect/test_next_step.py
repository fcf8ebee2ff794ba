"""What verify names is named by the next step too, before it lets go of one of the two sides."""

from __future__ import annotations

from typing import Any

import pytest

from membership_refactor.errors import CheckFailed
from tests.chain.subjects import MEMBERSHIP
from tests.inspect.corruptions import ALL, Corruption, Place
from tests.inspect.tables import at, tamper

LETS_GO = {"0004": "0005", "0008": "0009"}
"""The old table retires at 0005; the deprecated columns are frozen at 0009, and dropped by 0010."""


@pytest.mark.parametrize(
    ("revision", "corruption"),
    [pytest.param(r, c, id=f"{r} {c.name}") for c in ALL for r in c.stages if r in LETS_GO],
)
def test_a_step_that_lets_go_of_one_side_compares_both_before(
    revision: str, corruption: Corruption, template_database: Any
) -> None:
    chain = at(revision, MEMBERSHIP, template_database)
    tamper(chain, *corruption.break_it(Place(chain)))
    with pytest.raises(CheckFailed):
        chain.up(LETS_GO[revision])
