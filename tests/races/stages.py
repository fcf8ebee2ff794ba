"""The tables as they stand after a revision: built once, and copied for each test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from membership_refactor.planning import TableSplit
from tests.fixtures.databases import TemplateDatabase
from tests.races.partitions import Partitions
from tests.races.pilot import Pilot
from tests.races.tables import PLAN, assert_equal, build_tables, execute

CHAIN = ("0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011")
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

        def build(url: str) -> None:
            built_to(revision, self.plan, self.partitions)(url)
            execute(url, *since)

        of = f", {self.partitions.by}" if self.partitions is not None else ""
        return template_database(f"{name_of(revision, self.plan)}{of}{called}", build)

    def written(self, table: str) -> Table:
        """What its writers write."""
        if not self.direct:
            return table
        assert self.partitions is not None
        return self.partitions.leaf_of(table)


def built_to(
    revision: str, plan: TableSplit = PLAN, partitions: Partitions | None = None
) -> Callable[[str], None]:
    """A builder of the template ``name_of(revision, plan)``."""

    def build(url: str) -> None:
        build_tables(url, plan, partitions)
        with Pilot(url, plan=plan) as pilot:
            pilot.upgrade(*(r for r in pilot.revisions if r <= revision))

    return build


def name_of(revision: str, plan: TableSplit = PLAN) -> str:
    return f"races at {revision}" + (f", plan {plan.fingerprint[:8]}" if plan != PLAN else "")
