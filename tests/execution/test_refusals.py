"""What cannot be done is refused in one message that says what is wrong and what to do next,
and nothing has been changed."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import (
    GateClosed,
    LockNotObtained,
    NoDatabase,
    PlanChanged,
    RefactorError,
    StepInterrupted,
    StepOutOfOrder,
)
from membership_refactor.execution.options import Options
from membership_refactor.execution.runner import Runner
from membership_refactor.plans.programme_membership import SPLIT
from tests.chain.driver import QUIET, Chain, Subject, snapshot
from tests.chain.subjects import MEMBERSHIP, with_plan
from tests.fixtures.chains import ChainAt
from tests.fixtures.databases import NewDatabase
from tests.fixtures.server import LaunchServer
from tests.fixtures.steps import CHAIN

WIDE = "public.programme_membership"


def test_a_plan_that_is_not_the_one_the_chain_began_with_is_refused(chain_at: ChainAt) -> None:
    chain = chain_at("0003")
    before = snapshot(chain)
    changed = with_plan(
        chain, key=SPLIT.key[:4], child_columns=(*SPLIT.child_columns, SPLIT.key[4])
    )
    for go, revision in ((changed.up, "0004"), (changed.down, "0003")):
        with pytest.raises(PlanChanged) as refused:
            go(revision)
        message = str(refused.value)
        assert 'plan "programme_membership" is not the one the chain began with' in message
        assert "Give a changed plan another name, or put the old text back." in message
    assert snapshot(chain) == before


@pytest.mark.parametrize(
    ("at", "revision", "up", "said"),
    [
        ("0002", "0004", True, "0004 dual_write cannot go up: 0003 has not been applied"),
        ("0004", "0003", False, "0003 copy_table cannot go down: 0004 is still applied"),
        ("0005", "0008", True, "0008 link_children cannot go up: 0006 has not been applied"),
        ("0009", "0007", False, "0007 rebuild_parent cannot go down: 0008 is still applied"),
    ],
)
def test_a_step_against_the_ledgers_order_is_refused(
    at: str, revision: str, up: bool, said: str, chain_at: ChainAt
) -> None:
    chain = chain_at(at)
    before = snapshot(chain)
    with pytest.raises(StepOutOfOrder) as refused:
        if up:
            chain.up(revision)
        else:
            chain.down(revision)
    assert said in str(refused.value)
    assert "membership-refactor status" in str(refused.value)
    assert snapshot(chain).tables == before.tables


def test_a_step_that_stands_is_left_alone(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    before = snapshot(chain)
    chain.up("0004", "0003")
    chain.down("0005")
    assert snapshot(chain) == before


@pytest.mark.parametrize("revision", ["0005", "0006", "0009", "0010", "0011"])
def test_a_gate_without_evidence_says_what_is_missing(revision: str, chain_at: ChainAt) -> None:
    chain = replace(chain_at(f"{int(revision) - 1:04d}"), options=Options())
    before = snapshot(chain)
    with pytest.raises(GateClosed) as refused:
        chain.up(revision)
    message = str(refused.value)
    assert f"{revision} asks for evidence that nobody uses" in message
    assert "no unbroken watch of 14 days" in message
    assert "the SQL of no consumer has been scanned" in message
    assert f'alembic -x accept-usage="REASON" upgrade {revision}' in message
    assert snapshot(chain) == before
    assert chain.runner().abandon() is None


def test_an_accepted_gate_is_recorded_with_its_reason(chain_at: ChainAt) -> None:
    chain = chain_at("0005")
    assert chain.query("SELECT step, reason FROM public_refactor.acceptance ORDER BY at") == [
        ("retire_source", "a test")
    ]


def test_a_schema_that_is_not_there_is_said(new_database: NewDatabase) -> None:
    chain = Chain(new_database(), Subject(plan=SPLIT, schema='no "such"', create=()))
    with pytest.raises(NoDatabase) as refused:
        chain.up("0003")
    assert 'schema "no "such"" does not exist' in str(refused.value)
    assert 'CREATE SCHEMA "no ""such"""' in str(refused.value)
    assert chain.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%refactor'") == 0


def test_tables_of_several_owners_are_refused(chain_at: ChainAt) -> None:
    chain = chain_at("0003")
    role = f"owner_{os.getpid()}"
    chain.run(f"CREATE ROLE {role}", f"ALTER TABLE public.curriculum_membership OWNER TO {role}")
    try:
        with pytest.raises(RefactorError, match=f"have several owners: .*{role}") as refused:
            chain.up("0004")
        mending = re.findall(r"ALTER TABLE [^;]*;", str(refused.value))
        assert len(mending) == 1
        chain.run(*mending)
        chain.up("0004")
    finally:
        chain.run(f"REASSIGN OWNED BY {role} TO CURRENT_USER", f"DROP ROLE {role}")


def test_a_reader_of_a_table_that_foreign_keys_refer_to_is_named(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    chain = replace(chain, options=replace(chain.options, lock_timeout=2))
    with psycopg.connect(libpq_url(chain.url), application_name="a reader") as reader:
        reader.execute("SELECT count(*) FROM public.person")
        with pytest.raises(LockNotObtained, match=r"In the way: pid \d+ \(.*a reader"):
            chain.up("0005")
    chain.up("0005")


@pytest.mark.parametrize("at", ["0003", "0004", "0008"])
def test_tables_that_have_left_what_the_tool_made_for_them_are_refused(
    at: str, chain_at: ChainAt
) -> None:
    chain, role = chain_at(at), f"owner_{os.getpid()}"
    query = "SELECT tablename FROM pg_tables WHERE tablename LIKE '%membership%'"
    tables = [t for (t,) in chain.query(f"{query} AND schemaname = 'public'")]
    above = {"0003": "0004", "0004": "0005", "0008": "0009"}[at]
    chain.run(f"CREATE ROLE {role}", f"GRANT ALL ON SCHEMA public TO {role}")
    chain.run(*(f"ALTER TABLE public.{table} OWNER TO {role}" for table in tables))
    try:
        for move in (chain.up, chain.down):
            with pytest.raises(RefactorError, match="what this tool made for them") as refused:
                move(above if move == chain.up else at)
        chain.run(*re.findall(r"ALTER TABLE [^;]*;", str(refused.value)))
        chain.up(above)
    finally:
        chain.run(f"REASSIGN OWNED BY {role} TO CURRENT_USER", f"DROP OWNED BY {role}")
        chain.run(f"DROP ROLE {role}")


def test_a_role_that_may_not_act_as_the_owner_is_told_which_grant_is_missing(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0002")
    role = f"stranger_{os.getpid()}"
    chain.run(f"CREATE ROLE {role} LOGIN", f"ALTER TABLE {WIDE} OWNER TO CURRENT_USER")
    try:
        from sqlalchemy import create_engine, make_url
        from sqlalchemy.pool import NullPool

        engine = create_engine(make_url(chain.url).set(username=role), poolclass=NullPool)
        with pytest.raises(RefactorError) as refused:
            chain.runner(engine=engine).upgrade("copy_table")
        message = str(refused.value)
        assert role in message
        assert "GRANT" in message
    finally:
        chain.run(f"DROP ROLE {role}")


# --- a full disk ---------------------------------------------------------------------------


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 8 MB; only root can make one. Not below pytest's folder, which the
    server's user cannot reach."""
    place = Path(tempfile.mkdtemp(prefix="small_disk_"))
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=8m tmpfs {place}") != 0:
        place.rmdir()
        pytest.skip("a full disk needs a small file system, and only root may mount one")
    try:
        yield place
    finally:
        os.system(f"umount -l {place}")
        place.rmdir()


@pytest.mark.slow
def test_a_full_disk_says_what_is_open_and_the_step_goes_on_once_there_is_room(
    small_disk: Path, launch_server: LaunchServer
) -> None:
    server = launch_server()
    chain = Chain(server.server.url, MEMBERSHIP)
    owner = os.stat(server.server.data or "")
    space = small_disk / "space"
    space.mkdir()
    for path in (small_disk, space):
        os.chown(path, owner.st_uid, owner.st_gid)
    chain.run(*MEMBERSHIP.create)
    chain.run(
        f"INSERT INTO {WIDE} (person_id, programme_id, curriculum_id, leaving_reason) "
        "SELECT 1, 1, 1, repeat('x', 500) || n FROM generate_series(1, 20000) AS n"
    )
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{space}'".encode())
        connection.execute("ALTER SYSTEM SET default_tablespace = 'small'")
        connection.execute("SELECT pg_reload_conf()")
    wait_for(chain, "small")

    rows = chain.source()
    with pytest.raises(StepInterrupted) as refused:
        chain.up("0003")
    message = str(refused.value)
    assert message.count("\n") == 0
    assert "0003 copy_table up was stopped" in message
    assert "No space left on device" in message
    assert "alembic upgrade 0003" in message
    assert "membership-refactor abandon" in message
    with pytest.raises(StepOutOfOrder, match="0003 copy_table is open: it went up"):
        chain.down("0003")
    assert chain.source() == rows

    os.system(f"mount -o remount,size=200m {small_disk}")
    chain.up("0003")
    assert len(chain.child()) == 20000
    assert Runner(
        chain.engine, SPLIT, "public", CHAIN, progress=QUIET
    ).abandon() is None  # fmt: skip


def wait_for(chain: Chain, space: str) -> None:
    """New sessions see the setting as soon as the postmaster has read it."""
    end = time.monotonic() + 30
    while chain.value("SHOW default_tablespace") != space:
        assert time.monotonic() < end
