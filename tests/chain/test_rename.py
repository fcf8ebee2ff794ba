"""A table that only gets another name: both names are writable meanwhile, and nothing else changes."""

from __future__ import annotations

import pytest

from membership_refactor.errors import PlanError
from membership_refactor.planning import TableSplit
from tests.chain.driver import Chain
from tests.chain.subjects import RENAMED
from tests.fixtures.chains import ChainAt

OLD, NEW = "public.programme_membership", "public.curriculum_membership"


def renamed_at(chain_at: ChainAt, revision: str, *, down: bool = False) -> Chain:
    return chain_at(revision, subject=RENAMED, name="renamed", down=down)


def test_what_a_rename_cannot_have_is_refused_when_the_plan_is_made() -> None:
    with pytest.raises(PlanError, match='keep "a" is not a column of the key'):
        TableSplit(name="p", source="a", copy="b", keep=("a",))


def test_a_rename_takes_four_steps() -> None:
    assert RENAMED.plan.steps == (
        "copy_table",
        "dual_write",
        "retire_source",
        "drop_retired_table",
    )
    assert RENAMED.plan.tables == (
        "programme_membership",
        "curriculum_membership",
        "programme_membership_retired",
    )
