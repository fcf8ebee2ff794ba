"""Whatever a superuser breaks is found, with its keys and columns, and mended where it can be."""

from __future__ import annotations

from typing import Any

import pytest

from membership_refactor.errors import RefactorError
from membership_refactor.inspect.all_comparisons import Verified, repair_all, verify_all
from tests.chain.driver import Chain, Subject, snapshot
from tests.chain.partitioned import HASHED
from tests.chain.subjects import IN_PLACE, MEMBERSHIP, ODD, ODD_IN_PLACE
from tests.inspect.corruptions import ALL, Corruption, Found, Place
from tests.inspect.tables import at, tamper
from tests.reference_model.split import Rows

CASES = [
    pytest.param(subject, stage, corruption, id=f"{stage} {corruption.name} {name}", marks=marks)
    for corruption in ALL
    for stage in corruption.stages
    for name, subject, marks in (
        ("", MEMBERSHIP, ()),
        ("odd", ODD, ()),
        ("in place", IN_PLACE, pytest.mark.slow),
        ("odd in place", ODD_IN_PLACE, pytest.mark.slow),
        ("by hash", HASHED, pytest.mark.slow),
    )
    if stage in subject.revisions
]


def found(verified: Verified) -> Found:
    return {
        v.comparison.name: {(f.key, f.difference, f.columns) for f in v.findings}
        for v in verified.verdicts
        if v.findings
    }


@pytest.mark.parametrize(("subject", "stage", "corruption"), CASES)
def test_corruption_is_found_and_mended(
    subject: Subject, stage: str, corruption: Corruption, template_database: Any
) -> None:
    chain = at(stage, subject, template_database)
    before = snapshot(chain)
    assert found(verify_all(chain.runner())) == {}
    place = Place(chain)
    expected = corruption.findings(place)
    tamper(chain, *corruption.break_it(place))
    verified = verify_all(chain.runner(), workers=2)
    assert found(verified) == expected
    if not corruption.mendable:
        broken = snapshot(chain)
        with pytest.raises(RefactorError, match="no table holds the right values"):
            repair_all(chain.runner(), verified)
        assert snapshot(chain).tables == broken.tables
        return
    mended = repair_all(chain.runner(), verified)
    assert found(verify_all(chain.runner())) == {}
    if corruption.restored:
        _assert_restored(before.tables, snapshot(chain).tables, chain.plan.version)
    assert _recorded(chain) == {
        (verdict.comparison.name, finding.key)
        for verdict, done in mended
        for finding in done.mended
    }
    answered = {
        (verdict.comparison.name, key)
        for verdict, done in mended
        for key in (*done.agreed, *(f.key for f in done.mended))
    }
    assert answered == {(name, key) for name, them in expected.items() for key, _, _ in them}


def _assert_restored(before: dict[str, Rows], after: dict[str, Rows], version: str | None) -> None:
    """Every value is back. A mended row's version goes on, so that a stale save of it fails."""
    assert after.keys() == before.keys()
    for table, rows in before.items():
        assert after[table].keys() == rows.keys()
        for key, row in rows.items():
            now = after[table][key]
            changed = {column for column, value in row.items() if now[column] != value}
            assert changed <= {version}, (table, key)
            if version in changed:
                assert int(now[version] or 0) > int(row[version] or 0)


def _recorded(chain: Chain) -> set[tuple[str, str]]:
    ledger = chain.runner().ledger
    return set(chain.query(f"SELECT comparison, key FROM {ledger.table('repair')}"))


def test_every_stage_from_the_copy_on_has_its_corruptions() -> None:
    stages = {stage for corruption in ALL for stage in corruption.stages}
    assert stages == {f"{n:04d}" for n in range(3, 12)}
