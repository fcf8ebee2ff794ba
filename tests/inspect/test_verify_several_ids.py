"""Verify of ids of several columns: no range reads a large partner whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from membership_refactor.execution.progress import Progress
from membership_refactor.inspect.verify import verify
from membership_refactor.sql.comparisons.comparison import Comparison
from tests.chain.driver import Chain, Subject, build
from tests.chain.fixed import fill
from tests.chain.subjects import COMPOSITE, COMPOSITE_KEPT
from tests.fixtures.chains import ChainAt
from tests.fixtures.steps import STEPS
from tests.inspect.tables import tamper


def scans(chain: Chain) -> int:
    """How often the parent was read from its first page to its last."""
    parent = f"'{chain.names.parent}'::regclass"
    return int(chain.value(f"SELECT pg_stat_get_numscans({parent})"))


def compared(chain: Chain, comparison: Comparison) -> tuple[int, int]:
    """The findings, and the whole reads of the parent."""
    runner, before = chain.runner(), scans(chain)
    verdict = verify(
        runner.sessions("verify"),
        runner.ledger,
        comparison,
        workers=1,
        progress=Progress(quiet=True),
        range_rows=5,
    )
    assert verdict.ranges > 2
    return len(verdict.findings), scans(chain) - before


@pytest.mark.parametrize(
    ("revision", "subject", "name"),
    [
        ("0007", COMPOSITE, "children and parents"),
        ("0008", COMPOSITE, "children of parents"),
        ("0009", COMPOSITE_KEPT, "kept columns"),
    ],
)
def test_rows_of_a_large_parent_are_looked_up(
    revision: str, subject: Subject, name: str, chain_at: ChainAt
) -> None:
    chain = chain_at(
        revision, subject=subject, name=f"large {subject.plan.keep}", first=build(subject, fill)
    )
    runner = chain.runner()
    with runner.sessions("test").open() as pg:
        every = STEPS[revision].compares(runner.situation(pg))
    comparison = next(c for c in every if c.name == name)
    column = subject.plan.keep[0] if subject.plan.keep else subject.plan.parent_values[0]
    parent, uuid, link = chain.names.parent, chain.plan.parent_id, chain.plan.link
    greatest = f"(SELECT max(x.{column}) FROM {parent} AS x)"
    tamper(
        chain,
        f"UPDATE {parent} SET {column} = {greatest} WHERE {uuid} = (SELECT c.{link} "
        f"FROM {chain.names.child} AS c JOIN {parent} AS p ON p.{uuid} = c.{link} "
        f"WHERE p.{column} IS DISTINCT FROM {greatest} LIMIT 1)",
        f"ANALYZE {parent}",
    )
    found, whole = compared(chain, comparison)
    assert found and whole, "this parent is small, so it is read and hashed"
    # The same parent, called large: it has more rows than two ranges.
    assert compared(chain, replace(comparison, range_rows=2)) == (found, 0)
