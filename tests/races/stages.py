"""The tables as they stand after a revision: built once, and copied for each test."""

from __future__ import annotations

from collections.abc import Callable

from membership_refactor.planning import TableSplit
from tests.races.pilot import Pilot
from tests.races.tables import PLAN, build_tables

CHAIN = ("0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011")


def built_to(revision: str, plan: TableSplit = PLAN) -> Callable[[str], None]:
    """A builder of the template ``name_of(revision, plan)``."""

    def build(url: str) -> None:
        build_tables(url, plan)
        with Pilot(url, plan=plan) as pilot:
            pilot.upgrade(*(r for r in pilot.revisions if r <= revision))

    return build


def name_of(revision: str, plan: TableSplit = PLAN) -> str:
    return f"races at {revision}" + (f", plan {plan.fingerprint[:8]}" if plan != PLAN else "")
