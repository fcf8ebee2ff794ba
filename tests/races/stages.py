"""The tables as they stand after a revision: built once, and copied for each test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from membership_refactor.planning import TableSplit
from tests.fixtures.databases import Layer, TemplateDatabase
from tests.fixtures.steps import CHAIN
from tests.races.partitions import Partitions
from tests.races.pilot import Pilot
from tests.races.tables import PLAN, assert_equal, build_tables, execute

Sound = Callable[[str], None]
"""Raises AssertionError where the tables of a database do not agree."""
Table = str | Callable[[int], str]
"""Where writers write, quoted; or what they write, by the first id of their block."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A plan, the wide table that it is carried out on, and how it is written."""

    name: str
    plan: TableSplit = PLAN
    sound: Sound = assert_equal
    """What holds between source and copy."""
    partitions: Partitions | None = None
    direct: bool = False
    """Whether writers name partitions. Their rows are in one each."""

    def at(
        self, template_database: TemplateDatabase, revision: str, *since: str, called: str = ""
    ) -> str:
        """A copy of the database at the revision, after the statements ``since``, whose template
        is ``called`` something."""
        layer = tables_at(revision, self.plan, self.partitions)
        if since:
            layer = Layer(f"{layer.name}{called}", lambda url: execute(url, *since), layer)
        return template_database(layer)

    def written(self, table: str) -> Table:
        """What its writers write."""
        if not self.direct:
            return table
        assert self.partitions is not None
        return self.partitions.leaf_of(table)


def tables_at(
    revision: str, plan: TableSplit = PLAN, partitions: Partitions | None = None
) -> Layer:
    """The tables after the revisions of the plan up to this one."""
    of = f"plan {plan.fingerprint[:8]}" + (f", {partitions.by}" if partitions is not None else "")
    layer = Layer(f"races, {of}", partial(build_tables, plan=plan, partitions=partitions))
    for step in plan.steps:
        if (done := CHAIN.revisions.of(step)) <= revision:
            layer = Layer(f"races at {done}, {of}", partial(_upgraded, plan=plan, to=done), layer)
    return layer


def _upgraded(url: str, *, plan: TableSplit, to: str) -> None:
    with Pilot(url, plan=plan) as pilot:
        pilot.upgrade(to)
