"""The order and the locks in which an index of a partitioned table is put together."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.portrait import Partitioning
from membership_refactor.sql.ddl.copy_portrait import link_index
from membership_refactor.sql.quoting import qualified
from membership_refactor.steps.actions import Brief
from membership_refactor.steps.partition_indexes import build_by_partition
from tests.chain.partitioned import NAME, member

LEVELS = Partitioning(
    by="HASH (id)",
    members=(
        member("h0", "FOR VALUES WITH (modulus 1, remainder 0)", by="RANGE (id)"),
        member("h0_low", "FOR VALUES FROM (MINVALUE) TO ('25')", of="h0", by="RANGE (id)"),
        member("h0_low_all", "FOR VALUES FROM (MINVALUE) TO ('25')", of="h0_low"),
        member("h0_high", "FOR VALUES FROM ('25') TO (MAXVALUE)", of="h0"),
    ),
)


def test_an_index_is_attached_after_those_below_it_and_under_a_short_lock() -> None:
    """PostgreSQL locks the table two levels above when an attached index becomes valid."""
    table = replace(legacy_tables("public").table(NAME), kind="p", partitioning=LEVELS)
    actions = tuple(build_by_partition(table, LEVELS, link_index(table, "link")))
    attached = [
        a for a in actions if isinstance(a, Brief) and any("ATTACH" in s.text for s in a.statements)
    ]
    assert len(attached) == len(LEVELS.members) and all(a.locks for a in attached)
    order = [a.of_partition for a in attached]
    for at in LEVELS.members:
        below = [m for m in LEVELS.members if m.parent == qualified(at.schema, at.name)]
        for other in below:
            places = [qualified(m.schema, m.name) for m in (other, at)]
            assert order.index(places[0]) < order.index(places[1])
