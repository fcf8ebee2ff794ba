"""What copy_table refuses before anything is changed: tables, and rows, that no plan can split."""

from __future__ import annotations

from dataclasses import replace

import pytest

from membership_refactor.errors import CannotCarry, CheckFailed
from membership_refactor.planning import Conflict, Nulls, ParentColumn
from membership_refactor.plans.programme_membership import SPLIT
from tests.chain.driver import Snapshot, snapshot
from tests.chain.subjects import with_plan
from tests.fixtures.chains import ChainAt

WIDE = "public.programme_membership"


def unchanged(found: Snapshot, before: Snapshot) -> None:
    assert found.tables == before.tables
    assert {o for o in found.own if o.startswith("trigger")} == set()


def agreeing(*names: str) -> tuple[ParentColumn, ...]:
    return tuple(
        replace(c, conflict=Conflict.AGREE) if c.name in names else c for c in SPLIT.parent_columns
    )


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (f"ALTER TABLE {WIDE} RENAME rotation TO rota", 'column "rotation" of the plan is not in'),
        (f"ALTER TABLE {WIDE} RENAME TO other", 'table "public"."programme_membership" does not'),
        (
            f"ALTER TABLE {WIDE} ALTER amended_date DROP DEFAULT, "
            "ALTER amended_date TYPE text USING ''",
            'column "amended_date" (changed) has type text, not a timestamp',
        ),
        (
            f"ALTER TABLE {WIDE} ALTER programme_start_date TYPE daterange USING NULL",
            'key column "programme_start_date" has type daterange',
        ),
        (
            f"ALTER TABLE {WIDE} DROP CONSTRAINT pk_programme_membership",
            'there is no primary key; the plan expects one on "id"',
        ),
        (
            f"ALTER TABLE {WIDE} ADD programme_membership_uuid uuid",
            'already has a column "programme_membership_uuid", the name of the link',
        ),
        (
            f"ALTER TABLE {WIDE} ADD g text GENERATED ALWAYS AS (rotation) STORED",
            'column "g" is generated from "rotation", which leaves the child at step '
            "drop_deprecated_columns",
        ),
        (
            f"ALTER TABLE {WIDE} DROP CONSTRAINT pk_programme_membership, "
            "ADD PRIMARY KEY (id, person_id)",
            'the primary key is (id, person_id), the plan expects ("id")',
        ),
    ],
)
def test_a_table_that_the_plan_does_not_fit_is_refused_by_name(
    statement: str, said: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0002")
    chain.run(statement)
    portrait = chain.portrait()
    with pytest.raises(CannotCarry) as refused:
        chain.up("0003")
    assert said in str(refused.value)
    assert "nothing has been changed" in str(refused.value)
    assert chain.portrait() == portrait
    assert chain.runner().abandon() is None


def test_several_reasons_are_all_said_at_once(chain_at: ChainAt) -> None:
    chain = with_plan(
        chain_at("0002"),
        child_columns=("one", "two"),
        parent_columns=(ParentColumn(name="three"),),
    )
    with pytest.raises(CannotCarry) as refused:
        chain.up("0003")
    for name in ("one", "two", "three"):
        assert f'column "{name}" of the plan is not in the table' in str(refused.value)


def test_rows_that_disagree_are_refused_with_their_keys(chain_at: ChainAt) -> None:
    chain = with_plan(chain_at("0002"), parent_columns=agreeing("rotation_id"))
    before = snapshot(chain)
    with pytest.raises(CheckFailed) as refused:
        chain.up("0003")
    assert refused.value.count == 10
    assert "the rows of a key agree on rotation_id (10 rows, first keys: " in str(refused.value)
    assert "1, 1, NULL, NULL, NULL" in refused.value.keys or len(refused.value.keys) == 5
    assert "another conflict policy" in str(refused.value)
    unchanged(snapshot(chain), before)
    assert chain.runner().abandon() is None


def test_keys_with_a_gap_are_refused_where_the_plan_says_reject(chain_at: ChainAt) -> None:
    chain = with_plan(chain_at("0002"), nulls=Nulls.REJECT)
    before = snapshot(chain)
    with pytest.raises(CheckFailed) as refused:
        chain.up("0003")
    assert refused.value.count == 14
    assert refused.value.keys[0] == "2"
    assert 'nulls="equal"' in str(refused.value)
    unchanged(snapshot(chain), before)
