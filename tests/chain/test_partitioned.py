"""A partitioned table: the copy is partitioned alike, and every write reaches it."""

from __future__ import annotations

import pytest

from membership_refactor.errors import CheckFailed
from membership_refactor.inspect.all_comparisons import repair_all, repair_objects, verify_all
from membership_refactor.portrait import differences
from membership_refactor.portrait.document import from_json, to_json
from tests.chain.driver import Chain, build, snapshot
from tests.chain.fixed import fill
from tests.chain.partitioned import NAME, RENAMED, bounds, each
from tests.fixtures.chains import ChainAt

SOURCE, COPY = f"public.{NAME}", "public.curriculum_membership"
OPEN = each(RENAMED)
WRITES = (
    "UPDATE {t} SET rotation = 'one' WHERE id = 0",
    # With the partition key, so that the row may move to another partition.
    "UPDATE {t} SET curriculum_id = (curriculum_id + 1) % 3 WHERE id BETWEEN 2 AND 20",
    "UPDATE {t} SET curriculum_id = 0, rotation = 'both' WHERE id IN (4, 6)",
    "UPDATE {t} SET id = 70 WHERE id = 2",
    "UPDATE {t} SET id = id + 100 WHERE id IN (6, 8)",
    "UPDATE {t} SET id = -id, person_id = 2, leaving_reason = 'all' WHERE id > 100",
    "UPDATE {t} SET person_id = (person_id + 1) % 4",
    "INSERT INTO {t} (id, person_id, programme_id, curriculum_id, amended_date)"
    " OVERRIDING SYSTEM VALUE VALUES (72, 1, 1, 1, '2024-01-01'), (74, 2, 1, 0, '2024-01-01')",
    "INSERT INTO {t} (id, person_id, programme_id, curriculum_id) OVERRIDING SYSTEM VALUE"
    " VALUES (72, 1, 1, 1) ON CONFLICT DO NOTHING",
    "DELETE FROM {t} WHERE id = 10; INSERT INTO {t} (id, person_id, programme_id, curriculum_id)"
    " OVERRIDING SYSTEM VALUE VALUES (10, 0, 0, 0)",
    "DELETE FROM {t} WHERE id IN (12, 14, 72)",
    # Without the partition key: a MERGE that moves a row is refused.
    "MERGE INTO {t} AS t USING (VALUES (16, 1), (990, 2)) AS v (id, c) ON t.id = v.id"
    " WHEN MATCHED THEN UPDATE SET rotation = 'merged'"
    " WHEN NOT MATCHED THEN INSERT (id, person_id, programme_id, curriculum_id)"
    " OVERRIDING SYSTEM VALUE VALUES (v.id, 1, 1, v.c)",
    "WITH a AS (UPDATE {t} SET rotation = 'a' WHERE id = 18),"
    " b AS (DELETE FROM {t} WHERE id = 20) INSERT INTO {t} (id, person_id, programme_id,"
    " curriculum_id) OVERRIDING SYSTEM VALUE VALUES (991, 1, 1, 2)",
)


def chain_of(chain_at: ChainAt, revision: str, shape: str, *, down: bool = False) -> Chain:
    subject = RENAMED[shape]
    return chain_at(
        revision, subject=subject, name=f"renamed {shape}", first=build(subject, fill), down=down
    )


def apart(chain: Chain, one: str = SOURCE, other: str = COPY) -> list[tuple[object, ...]]:
    """Rows that only one of the two tables has. Not judged by a comparison of the product."""
    rows = "SELECT to_jsonb(t) FROM {} AS t"
    first, second = rows.format(one), rows.format(other)
    return chain.query(
        f"(({first}) EXCEPT ALL ({second})) UNION ALL (({second}) EXCEPT ALL ({first}))"
    )


def leaves(chain: Chain, table: str) -> list[str]:
    return [
        name
        for (name,) in chain.query(
            f"SELECT relid::regclass::text FROM pg_partition_tree('{table}') WHERE isleaf "
            "ORDER BY relid"
        )
    ]


def with_rows(chain: Chain, table: str) -> list[str]:
    """The partitions that hold rows; there are two at least."""
    found = [leaf for leaf in leaves(chain, table) if chain.query(f"SELECT FROM {leaf} LIMIT 1")]
    assert len(found) > 1
    return found


@pytest.mark.parametrize("shape", OPEN)
def test_up_down_and_up_give_the_same_rows_and_the_same_structure(
    shape: str, chain_at: ChainAt
) -> None:
    chain = chain_of(chain_at, "0002", shape)
    before, stages = snapshot(chain), {}
    for revision in chain.subject.revisions:
        chain.up(revision)
        stages[revision] = snapshot(chain)
    assert stages["0003"].tables[NAME] == before.tables[NAME]
    assert stages["0003"].tables["curriculum_membership"] == before.tables[NAME]
    assert {bound for *_, bound, _ in bounds(stages["0003"].portrait, NAME)} <= {
        bound for *_, bound, _ in bounds(stages["0003"].portrait, "curriculum_membership")
    }
    chain.down_to("0002")
    after = snapshot(chain)
    assert after.tables == before.tables
    assert differences(before.portrait, after.portrait) == ()
    assert bounds(before.portrait, NAME) == bounds(after.portrait, NAME)
    for revision in chain.subject.revisions:
        chain.up(revision)
        again = snapshot(chain)
        assert again.tables == stages[revision].tables, revision
        assert differences(stages[revision].portrait, again.portrait) == (), revision
        assert again.own == stages[revision].own, revision


@pytest.mark.parametrize("shape", OPEN)
@pytest.mark.parametrize(
    ("revision", "table"), [("0003", SOURCE), ("0004", SOURCE), ("0004", COPY)]
)
def test_writes_by_the_root_reach_the_other_table(
    revision: str, table: str, shape: str, chain_at: ChainAt
) -> None:
    chain = chain_of(chain_at, revision, shape)
    for write in WRITES:
        chain.run(write.format(t=table))
        assert apart(chain) == [], write
    assert not any(v.findings for v in verify_all(chain.runner()).verdicts)


@pytest.mark.parametrize("shape", OPEN)
@pytest.mark.parametrize(
    ("revision", "table"), [("0003", SOURCE), ("0004", SOURCE), ("0004", COPY)]
)
def test_writes_into_a_partition_reach_the_other_table(
    revision: str, table: str, shape: str, chain_at: ChainAt
) -> None:
    chain = chain_of(chain_at, revision, shape)
    for leaf in with_rows(chain, table):
        one = chain.value(f"SELECT min(id) FROM {leaf}")
        kept = f"CREATE TEMP TABLE kept AS SELECT * FROM {leaf} WHERE id = {one}"
        for writes in (
            [f"UPDATE {leaf} SET rotation = 'of a partition'"],
            [f"UPDATE {leaf} SET rotation = 'one row' WHERE id = {one}"],
            [kept, f"DELETE FROM {leaf} WHERE id = {one}", "UPDATE kept SET intrepid_id = 'again'",
             f"INSERT INTO {leaf} OVERRIDING SYSTEM VALUE SELECT * FROM kept"],
            [f"DELETE FROM {leaf} WHERE id = {one}"],
        ):  # fmt: skip
            chain.run(*writes)
            assert apart(chain) == [], writes
    assert not any(v.findings for v in verify_all(chain.runner()).verdicts)


@pytest.mark.parametrize("shape", OPEN)
@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
@pytest.mark.parametrize(
    ("revision", "table"), [("0003", SOURCE), ("0004", SOURCE), ("0004", COPY)]
)
def test_truncate_of_a_partition_empties_its_twin_and_no_other(
    revision: str, table: str, isolation: str, shape: str, chain_at: ChainAt
) -> None:
    chain = chain_of(chain_at, revision, shape)
    first, *_ = with_rows(chain, table)
    whole = chain.value(f"SELECT count(*) FROM {table}")
    held = chain.value(f"SELECT count(*) FROM {first}")
    assert 0 < held < whole
    chain.run(f"SET TRANSACTION ISOLATION LEVEL {isolation}", f"TRUNCATE {first}")
    assert apart(chain) == []
    assert chain.value(f"SELECT count(*) FROM {table}") == whole - held
    chain.run(f"TRUNCATE {table}")
    assert chain.value(f"SELECT count(*) FROM {SOURCE}") == 0
    assert apart(chain) == []


@pytest.mark.parametrize("shape", OPEN)
def test_the_copy_and_its_partitions_refuse_writes_until_both_may_be_written(
    shape: str, chain_at: ChainAt
) -> None:
    chain = chain_of(chain_at, "0003", shape)
    before = chain.child()
    for table in (COPY, *with_rows(chain, COPY)):
        for write in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(Exception, match="cannot be written yet"):
                chain.run(write)
    assert chain.child() == before


@pytest.mark.parametrize("shape", OPEN)
def test_the_archive_and_its_partitions_refuse_writes(shape: str, chain_at: ChainAt) -> None:
    chain = chain_of(chain_at, "0005", shape)
    retired = f"{SOURCE}_retired"
    for table in (retired, *leaves(chain, retired)):
        for write in (f"UPDATE {table} SET rotation = ''", f"TRUNCATE {table}"):
            with pytest.raises(Exception, match="is retired and cannot be written"):
                chain.run(write)
    for write in WRITES:
        chain.run(write.format(t=COPY))


@pytest.mark.parametrize("shape", OPEN)
def test_what_is_written_under_the_new_name_comes_back_under_the_old_one(
    shape: str, chain_at: ChainAt
) -> None:
    chain = chain_of(chain_at, "0011", shape)
    for write in WRITES:
        chain.run(write.format(t=COPY))
    leaf = with_rows(chain, COPY)[0]
    chain.run(f"DELETE FROM {leaf} WHERE id < 0", f"UPDATE {leaf} SET rotation = 'leaf'")
    after = chain.child()
    chain.down_to("0002")
    assert chain.source() == after
    chain.up_to("0011")
    assert chain.child() == after


@pytest.mark.parametrize("shape", OPEN)
def test_the_portrait_with_partitions_is_the_same_after_it_was_written_down(
    shape: str, chain_at: ChainAt
) -> None:
    portrait = chain_of(chain_at, "0003", shape).portrait()
    assert from_json(to_json(portrait)) == portrait


TOUCHED = (
    "ALTER TABLE {leaf} DISABLE TRIGGER USER",
    'ALTER TABLE {leaf} ENABLE TRIGGER "AA_refactor_to_copy_update"',
    'DROP TRIGGER "AA_refactor_to_copy_delete" ON {leaf}',
    'DROP TRIGGER "AA_refactor_to_copy_truncate" ON {leaf}',
)


@pytest.mark.parametrize("touch", TOUCHED)
def test_a_trigger_that_is_touched_on_a_partition_is_found_and_mended(
    touch: str, chain_at: ChainAt
) -> None:
    chain = chain_of(chain_at, "0003", "hash")
    leaf, *_ = with_rows(chain, SOURCE)
    whole = chain.own_objects()
    chain.run(touch.format(leaf=leaf))
    with pytest.raises(CheckFailed, match="own triggers and functions stand"):
        chain.up("0004")
    chain.run(f"UPDATE {leaf} SET rotation = 'slipped past'", f"DELETE FROM {leaf} WHERE id = 0")
    repair_objects(chain.runner())
    repair_all(chain.runner(), verify_all(chain.runner()))
    assert chain.own_objects() == whole
    assert apart(chain) == []
    chain.up("0004")
