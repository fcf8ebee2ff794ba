"""Partitioned sources that are refused: by values, and by what a catalog says of real ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from membership_refactor.errors import CannotCarry
from membership_refactor.portrait import Partitioning, Table
from membership_refactor.sql.ddl.cannot_partition import MOST, partition_obstacles
from tests.chain.driver import Chain, build
from tests.chain.fixed import fill
from tests.chain.partitioned import HASHED, NAME, hashed
from tests.fixtures.chains import ChainAt

PLAN = HASHED.plan
ONE = Partitioning(by="HASH (id)", columns=("id",), members=hashed(2))


def refused(partitioning: Partitioning, **changes: object) -> str:
    table = Table(schema="public", name=NAME, columns=(), partitioning=partitioning)
    return "\n".join(partition_obstacles(replace(PLAN, **changes), table, partitioning))  # type: ignore[arg-type]


@pytest.mark.parametrize("by", ["HASH", "LIST", "RANGE"])
def test_a_table_that_is_partitioned_by_its_id_is_taken(by: str) -> None:
    assert refused(replace(ONE, by=f"{by} (id)")) == ""


@pytest.mark.parametrize(
    ("partitioning", "sentence"),
    [
        (
            replace(ONE, columns=("person_id",)),
            "is partitioned by person_id, which leave the child at step drop_deprecated_columns",
        ),
        (replace(ONE, by_expression=True), "is partitioned by an expression"),
        (replace(ONE, members=hashed(MOST + 1)), "has 501 partitions"),
        (replace(ONE, members=hashed(2_000)), "about 1,000 ms, in which every writer waits"),
        (
            replace(
                ONE,
                members=(
                    replace(hashed(2)[0], by="RANGE (person_id)", columns=("person_id",)),
                    hashed(2)[1],
                ),
            ),
            "is partitioned by person_id of the plan's key",
        ),
        (
            replace(ONE, members=(replace(hashed(2)[0], detaching=True), hashed(2)[1])),
            "Run ALTER TABLE",
        ),
        (
            replace(ONE, members=(replace(hashed(2)[0], kind="f"), hashed(2)[1])),
            "has foreign tables as partitions",
        ),
        (
            replace(ONE, members=(replace(hashed(2)[0], owner="other"), hashed(2)[1])),
            "partitions of it to other roles",
        ),
    ],
)
def test_another_one_is_refused_with_its_reason(partitioning: Partitioning, sentence: str) -> None:
    assert sentence in refused(partitioning)


def chain_of(chain_at: ChainAt) -> Chain:
    return chain_at("0002", subject=HASHED, name="split hash", first=build(HASHED, fill))


FIRST = f"public.{NAME}_p0"


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        ((f"CREATE INDEX alone ON {FIRST} (rotation)",), 'index "alone"'),
        ((f"ALTER TABLE {FIRST} ADD CONSTRAINT own CHECK (id > -9)",), 'constraint "own"'),
        ((f"ALTER TABLE {FIRST} ALTER rotation SET DEFAULT 'x'",), 'default of column "rotation"'),
        ((f"ALTER TABLE {FIRST} REPLICA IDENTITY FULL",), "replica identity"),
        ((f"CREATE RULE own AS ON DELETE TO {FIRST} DO NOTHING",), 'rule "own"'),
        ((f"CREATE VIEW of_one AS SELECT id FROM {FIRST}",), 'view "public.of_one"'),
        ((f"CREATE PUBLICATION of_one FOR TABLE {FIRST}",), 'publication "of_one"'),
        ((f"CREATE STATISTICS own_st ON person_id, programme_id FROM {FIRST}",),
         'statistics object "own_st"'),
        ((f"ALTER TABLE {FIRST} ENABLE ROW LEVEL SECURITY",), "row security"),
        ((f"GRANT UPDATE (rotation) ON {FIRST} TO PUBLIC",), "grants on columns"),
    ],
)  # fmt: skip
def test_what_a_partition_has_of_its_own_is_named_before_anything_is_changed(
    statements: tuple[str, ...], sentence: str, chain_at: ChainAt
) -> None:
    chain = chain_of(chain_at)
    chain.run(*statements)
    before = chain.portrait()
    with pytest.raises(CannotCarry) as stopped:
        chain.up("0003")
    assert sentence in str(stopped.value)
    assert chain.portrait() == before
