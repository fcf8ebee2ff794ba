"""A rehearsal takes the view of the old shape along: made, changed and dropped, up and down."""

from __future__ import annotations

import pytest

from membership_refactor.rehearsal.findings import Kind
from tests.chain.subjects import OLD_SHAPE
from tests.fixtures.chains import ChainAt
from tests.rehearsal.rehearsing import rehearsed

FAULTS = {Kind.STOPS, Kind.DEAD_END, Kind.CHECK}


@pytest.mark.slow
def test_no_step_with_the_view_stops_and_every_check_of_it_holds(chain_at: ChainAt) -> None:
    chain = chain_at("0002", subject=OLD_SHAPE, name="old shape")
    found = rehearsed(chain, rows=50, back=True)
    assert [f for f in found.findings if f.kind in FAULTS or "old shape" in f.what] == []
    assert {leg.stage for leg in found.legs} >= {"retire_source up", "drop_retired_table down"}
    assert chain.value("SELECT to_regnamespace('public_old') IS NULL")
