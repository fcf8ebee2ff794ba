"""A real pg_partman makes and drops partitions between the steps of a rename and of a split."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import CheckFailed
from membership_refactor.inspect.all_comparisons import verify_all
from tests.chain.driver import Chain
from tests.chain.fixed import fill
from tests.chain.partitioned import NAME, partitioned
from tests.chain.subjects import renamed
from tests.chain.test_changed_partitions import repaired, seen
from tests.chain.test_partitioned import apart
from tests.fixtures.databases import NewDatabase

SOURCE, COPY = f"public.{NAME}", "public.curriculum_membership"
SPLIT = partitioned("RANGE (id)")
SUBJECT = renamed(SPLIT)
KEPT = 40
"""pg_partman drops partitions whose ids are this much smaller than the greatest one."""

MAINTENANCE = "SELECT partman.run_maintenance('{t}', p_analyze := false, p_jobmon := false)"


@pytest.fixture
def chain(new_database: NewDatabase, request: pytest.FixtureRequest) -> Chain:
    chain = Chain(new_database(), getattr(request, "param", SUBJECT))
    available = "SELECT FROM pg_available_extensions WHERE name = 'pg_partman'"
    if not chain.query(available):
        pytest.skip("no pg_partman for this PostgreSQL: apt-get install postgresql-15-partman")
    chain.run(
        *SUBJECT.create,
        "CREATE SCHEMA partman",
        "CREATE EXTENSION pg_partman SCHEMA partman",
        f"SELECT partman.create_parent('{SOURCE}', 'id', 'native', '20', p_premake := 2)",
        f"UPDATE partman.part_config SET retention = '{KEPT}', retention_keep_table = false, "
        "infinite_time_partitions = true",
    )
    with psycopg.connect(libpq_url(chain.url)) as pg:
        fill(pg)
    chain.run(MAINTENANCE.format(t=SOURCE))
    return chain


def goes_on(chain: Chain, table: str) -> None:
    """An application writes, and cron runs pg_partman's maintenance."""
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        for _ in range(5):
            for text in (
                f"INSERT INTO {table} (id, person_id, programme_id, curriculum_id) OVERRIDING "
                f"SYSTEM VALUE SELECT m.id + g * 3, 1, 1, 1 FROM (SELECT max(id) FROM {table}) "
                "AS m (id), generate_series(1, 3) AS g",
                f"UPDATE {table} SET rotation = 'alive' WHERE id % 7 = 0",
                MAINTENANCE.format(t=table),
            ):
                pg.execute(text.encode())


def partitions(chain: Chain, table: str) -> set[str]:
    return {
        name
        for (name,) in chain.query(
            f"SELECT relid::regclass::text FROM pg_partition_tree('{table}') WHERE level > 0"
        )
    }


@pytest.mark.slow
def test_retention_and_new_partitions_are_followed_up_and_down(chain: Chain) -> None:
    for revision in ("0003", "0004", "0005"):
        before = partitions(chain, SOURCE)
        goes_on(chain, SOURCE)
        after = partitions(chain, SOURCE)
        assert after - before and before - after
        if revision > "0003":
            assert seen(chain)
            with pytest.raises(CheckFailed, match=r"repair --apply"):
                chain.up(revision)
            repaired(chain)
            assert seen(chain) == [] and apart(chain) == []
        chain.up(revision)
    chain.run(f"UPDATE partman.part_config SET parent_table = '{COPY}'")
    goes_on(chain, COPY)
    repaired(chain)
    rows = chain.child()
    chain.down("0005")
    assert chain.source() == rows and apart(chain) == []
    chain.run(f"UPDATE partman.part_config SET parent_table = '{SOURCE}'")
    goes_on(chain, SOURCE)
    repaired(chain)
    assert apart(chain) == []
    chain.down("0004", "0003")
    goes_on(chain, SOURCE)
    chain.up("0003")
    assert seen(chain) == [] and apart(chain) == []


LATER = (
    "INSERT INTO {t} (id, programme_membership_uuid, curriculum_id) OVERRIDING SYSTEM VALUE"
    " SELECT m.id + g * 3, m.uuid, 1 FROM (SELECT id, programme_membership_uuid AS uuid FROM {t}"
    " ORDER BY id DESC LIMIT 1) AS m, generate_series(1, 3) AS g",
    "UPDATE {t} SET period_of_grace = 7 WHERE id % 7 = 0",
)


@pytest.mark.slow
@pytest.mark.parametrize("chain", [SPLIT], indirect=True, ids=["split"])
def test_a_whole_split_goes_on_while_partitions_are_made_and_dropped(chain: Chain) -> None:
    table = SOURCE
    for revision in SPLIT.revisions:
        if revision > "0003":
            goes_on_at(chain, table, revision)
            repaired(chain)
            assert seen(chain) == [], revision
        chain.up(revision)
        if revision == "0005":
            table = COPY
            chain.run(f"UPDATE partman.part_config SET parent_table = '{COPY}'")
    assert not any(v.findings for v in verify_all(chain.runner()).verdicts)


def goes_on_at(chain: Chain, table: str, revision: str) -> None:
    if revision <= "0008":
        goes_on(chain, table)
        return
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        for _ in range(5):
            for text in (*LATER, MAINTENANCE):
                pg.execute(text.format(t=table).encode())
