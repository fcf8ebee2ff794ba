"""The ledger's form, and the names under which it and its messages know the steps."""

from __future__ import annotations

import pytest

from membership_refactor.errors import LedgerFormUnknown, StepOutOfOrder
from membership_refactor.execution.runner import Runner
from membership_refactor.planning import Revisions
from membership_refactor.steps import SPLIT_STEPS
from membership_refactor.steps.step_chain import Chain
from tests.chain.driver import OPTIONS, QUIET, snapshot
from tests.chain.driver import Chain as Driver
from tests.fixtures.chains import ChainAt
from tests.fixtures.steps import in_a_row

OLDER = (
    "DROP TABLE public_refactor.form",
    "ALTER TABLE public_refactor.step RENAME COLUMN step TO revision",
)
NEWER = ("UPDATE public_refactor.form SET number = 99",)


@pytest.mark.parametrize(("change", "form"), [(OLDER, 1), (NEWER, 99)], ids=["older", "newer"])
def test_a_ledger_of_another_form_is_refused_in_one_line(
    change: tuple[str, ...], form: int, chain_at: ChainAt
) -> None:
    chain = chain_at("0003")
    chain.run(*change)
    before = snapshot(chain)
    with pytest.raises(LedgerFormUnknown) as refused:
        chain.up("0004")
    message = str(refused.value)
    assert f'the ledger "public_refactor" has form {form}' in message
    assert "Go on with the version that made the ledger." in message
    assert "\n" not in message
    assert snapshot(chain) == before


def foreign(chain: Driver, revisions: Revisions) -> Runner:
    return Runner(
        chain.engine, chain.plan, "public", Chain(SPLIT_STEPS, revisions),
        options=OPTIONS, progress=QUIET,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("revisions", "said"),
    [
        (
            Revisions({"copy_table": "ae10", "dual_write": "27c6"}),
            "27c6 dual_write cannot go up: ae10 has not been applied",
        ),
        (Revisions(), "dual_write cannot go up: copy_table has not been applied"),
    ],
    ids=["other ids", "no ids"],
)
def test_messages_speak_of_the_projects_revisions(
    revisions: Revisions, said: str, chain_at: ChainAt
) -> None:
    with pytest.raises(StepOutOfOrder) as refused:
        foreign(chain_at("0002"), revisions).upgrade("dual_write")
    assert said in str(refused.value)


def test_an_open_step_names_the_command_of_the_project(chain_at: ChainAt) -> None:
    chain = chain_at("0003")
    chain.run("UPDATE public_refactor.step SET state = 'open' WHERE step = 'copy_table'")
    ids = in_a_row({"copy_table": "ae10", "dual_write": "27c6"})
    with pytest.raises(StepOutOfOrder) as refused:
        foreign(chain, ids).upgrade("dual_write")
    assert "step ae10 copy_table is open: it went up" in str(refused.value)
    assert "alembic upgrade ae10 " in str(refused.value)


def test_the_ledger_goes_on_under_other_ids(chain_at: ChainAt) -> None:
    chain = chain_at("0003")
    ids = in_a_row({step.name: f"x{n}" for n, step in enumerate(SPLIT_STEPS)})
    foreign(chain, ids).upgrade("dual_write")
    assert chain.query("SELECT step FROM public_refactor.step ORDER BY started_at") == [
        ("copy_table",),
        ("dual_write",),
    ]
    chain.down("0004", "0003")
