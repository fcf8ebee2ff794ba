"""A MERGE that moves a row to another partition: PostgreSQL shows it to no statement trigger."""

from __future__ import annotations

import threading

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.chain.driver import Chain
from tests.chain.partitioned import SHAPES
from tests.chain.test_partitioned import COPY, SOURCE, apart, chain_of
from tests.chain.test_partitioned_split import MOVES, assert_verified, at
from tests.fixtures.chains import ChainAt

MERGE = (
    "MERGE INTO {t} AS t USING (VALUES (16, {c})) AS v (id, c) ON t.id = v.id"
    " WHEN MATCHED THEN UPDATE SET curriculum_id = v.c, rotation = 'merged'"
)
SHAPE = "hash by another"


def place(chain: Chain, table: str) -> str:
    return str(chain.value(f"SELECT tableoid::regclass FROM {table} WHERE id = 16"))


@pytest.mark.parametrize(
    ("revision", "table"), [("0003", SOURCE), ("0004", SOURCE), ("0004", COPY)]
)
def test_a_merge_that_moves_a_row_is_refused_and_nothing_is_lost(
    revision: str, table: str, chain_at: ChainAt
) -> None:
    chain, refused = chain_of(chain_at, revision, SHAPE), 0
    for c in (0, 1, 2):
        before = place(chain, table)
        try:
            chain.run(MERGE.format(t=table, c=c))
        except psycopg.errors.FeatureNotSupported as error:
            assert "Use UPDATE" in str(error) and place(chain, table) == before
            refused += 1
            chain.run(f"UPDATE {table} SET curriculum_id = {c} WHERE id = 16")
            assert place(chain, table) != before
        else:
            assert place(chain, table) == before
        assert apart(chain) == [], c
    assert refused > 0


def test_a_merge_that_moves_a_row_while_the_copy_is_built_reaches_the_copy(
    chain_at: ChainAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = chain_of(chain_at, "0002", SHAPE)
    started, failed = threading.Event(), []

    def merge() -> None:
        started.wait(60)
        with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
            for c in (0, 1, 2):
                try:
                    pg.execute(MERGE.format(t=SOURCE, c=c).encode())
                except psycopg.errors.FeatureNotSupported as error:
                    failed.append(str(error))

    runner = chain.runner()
    said = runner.progress.say
    thread = threading.Thread(target=merge)
    thread.start()

    def say(text: str) -> None:
        if "Create index" in text or "Create keys" in text:
            started.set()
            thread.join(60)
        said(text)

    monkeypatch.setattr(runner.progress, "say", say)
    runner.upgrade("copy_table")
    assert started.is_set() and failed == []
    assert apart(chain) == []


OF_PARENT = (
    "MERGE INTO {t} AS t USING (VALUES (16, {c})) AS v (id, c) ON t.id = v.id"
    " WHEN MATCHED THEN UPDATE SET curriculum_id = v.c, leaving_reason = 'merged {c}',"
    " person_id = (t.person_id + 1) % 3"
)


@pytest.mark.parametrize("revision", ["0006", "0007", "0008"])
def test_a_merge_that_moves_a_child_leaves_no_parent_behind(
    revision: str, chain_at: ChainAt
) -> None:
    """It is followed, or refused as a whole."""
    chain = at(chain_at, revision, SHAPES[SHAPE], f"split {SHAPE}")
    moved = refused = 0
    for c in (0, 1, 2):
        before = place(chain, COPY)
        try:
            chain.run(OF_PARENT.format(t=COPY, c=c))
        except (
            psycopg.errors.FeatureNotSupported,
            psycopg.errors.ObjectNotInPrerequisiteState,
        ) as error:
            assert "Use UPDATE" in str(error) or MOVES in str(error)
            assert place(chain, COPY) == before
            refused += 1
            chain.run(f"UPDATE {COPY} SET curriculum_id = {c} WHERE id = 16")
        moved += place(chain, COPY) != before
        assert_verified(chain, revision)
    assert moved and (refused > 0) is (revision != "0006")
    if revision == "0006":
        chain.up("0007")
        assert_verified(chain, "0007")
