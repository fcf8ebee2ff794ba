"""No planted error is called equal, and no right form is called different."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.compare.comparer import Comparer
from membership_refactor.scan.compare.results import Verdict
from tests.scan.planted_kinds import PAIRS, Pair


def test_there_are_at_least_161_errors() -> None:
    assert sum(len(list(pair.wrong())) for pair in PAIRS) >= 161


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_no_planted_error_is_called_equal(pair: Pair, connection: Connection) -> None:
    comparer = Comparer(connection, SPLIT)
    taken = [
        (name, seed)
        for name, wrong in pair.wrong()
        for seed in (1, 2, 3)
        if comparer.compare(pair.old, wrong, seed=seed, forms=("interim",)).verdict
        is not Verdict.DIFFERENT
    ]
    assert not taken


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_no_right_form_is_called_different_at_twenty_seeds(
    pair: Pair, connection: Connection
) -> None:
    comparer = Comparer(connection, SPLIT)
    for seed in range(1, 21):
        compared = comparer.compare(pair.old, pair.new, seed=seed)
        assert compared.verdict is Verdict.EQUAL, f"{seed}: {compared.why} {compared.example}"
