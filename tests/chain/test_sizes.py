"""A key too long for an index, and a row without room for the link, are named before the work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from membership_refactor.errors import CheckFailed, StepInterrupted
from membership_refactor.planning import Conflict, ParentColumn, TableSplit
from tests.chain.driver import Chain, Subject, build
from tests.chain.subjects import MEMBERSHIP
from tests.fixtures.chains import ChainAt
from tests.fixtures.databases import NewDatabase
from tests.races.pilot import Pilot

COPY = "public.curriculum_membership"
KEY = "programme_membership_type"


def text_of(length: int) -> str:
    """An expression: a text that does not compress."""
    md5s = "SELECT string_agg(md5(g::text), '') FROM generate_series(1, 200) AS g"
    return f"(SELECT left(({md5s}), {length}))"


def insert(table: str, kind: str) -> str:
    return (
        f"INSERT INTO {table} (person_id, programme_id, {KEY}, curriculum_id)"
        f" VALUES (1, 1, {kind}, 0)"
    )


def stays_at(chain: Chain, revision: str, name: str) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        chain.up(revision)
    assert caught.value.name == name
    return caught.value


def test_a_long_key_is_named_before_0003(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    chain.run(insert("public.programme_membership", text_of(2_750)))
    failed = stays_at(chain, "0003", "keys fit an index")
    assert failed.keys == (chain.value("SELECT max(id)::text FROM public.programme_membership"),)
    assert chain.value("SELECT to_regclass('public.curriculum_membership')") is None


@pytest.mark.parametrize("kind", [text_of(2_600), "repeat('x', 90000)"], ids=["short", "packed"])
def test_a_key_that_fits_goes_the_whole_way(chain_at: ChainAt, kind: str) -> None:
    chain = chain_at("0002")
    chain.run(insert("public.programme_membership", kind))
    chain.up_to("0009")
    assert chain.value(f"SELECT max(length({KEY})) FROM public.programme_membership") >= 2_600


@pytest.mark.parametrize("keep", [(), ("k",)], ids=["not kept", "kept"])
def test_a_kept_key_leaves_room_for_the_uuid_beside_it(
    keep: tuple[str, ...], new_database: NewDatabase
) -> None:
    plan = replace(wide(1, "int").plan, keep=keep)
    table = "CREATE TABLE public.wide (id int PRIMARY KEY, k text NOT NULL, v int, c0 int)"
    subject = Subject(plan=plan, schema="public", create=(table,))
    chain = Chain(new_database(), subject)
    chain.run(table, f"INSERT INTO public.wide VALUES (1, {text_of(2_680)}, 1, 1)")
    if keep:
        stays_at(chain, "0003", "keys fit an index")
        chain.run("UPDATE public.wide SET k = left(k, 2660)")
    chain.up_to("0009")


@pytest.mark.parametrize("revision", ["0004", "0006"])
def test_a_long_key_that_came_later_is_named_before_the_parents(
    chain_at: ChainAt, revision: str
) -> None:
    chain = chain_at(revision)
    chain.run(insert(COPY, text_of(3_000)))
    chain.up_to("0006", after=revision)
    stays_at(chain, "0007", "keys fit an index")
    chain.run(f"UPDATE {COPY} SET {KEY} = left({KEY}, 100)")
    chain.up("0007")


@pytest.mark.parametrize(
    "mended", [f"DELETE FROM {COPY}", f"UPDATE {COPY} SET {KEY} = 'short'"], ids=["gone", "changed"]
)
def test_0007_goes_on_when_a_long_key_of_meanwhile_is_gone(chain_at: ChainAt, mended: str) -> None:
    chain = chain_at("0006")
    with Pilot(chain.url, plan=MEMBERSHIP.plan, schema="public") as pilot:
        first_batch = r'SELECT .*_parent_build"\('
        pilot.start(lambda r: r.upgrade("rebuild_parent"), until=first_batch, before=True)
        chain.run(insert(COPY, text_of(3_000)))
        with pytest.raises(StepInterrupted, match="index row size"):
            pilot.finish()
        # It stops again while the row is there.
        with pytest.raises(StepInterrupted, match="index row size"):
            chain.up("0007")
        chain.run(f"{mended} WHERE length({KEY}) > 2000")
        chain.up("0007")
    assert chain.value(f"SELECT max(length({KEY})) FROM public.programme_membership") < 2_000


# --- rows ---------------------------------------------------------------------------------


def wide(columns: int, kind: str) -> Subject:
    """A table with many columns beside its key."""
    plan = TableSplit(
        name="wide",
        source="wide",
        copy="narrow",
        parent="family",
        link="family_uuid",
        key=("k",),
        parent_columns=(ParentColumn(name="v", conflict=Conflict.FIRST),),
        child_columns=tuple(f"c{n}" for n in range(columns)),
    )
    listed = ", ".join(f"c{n} {kind}" for n in range(columns))
    table = f"CREATE TABLE public.wide (id int PRIMARY KEY, k int, v int, {listed})"
    return Subject(plan=plan, schema="public", create=(table,))


def widely(columns: int, value: str) -> str:
    return f"INSERT INTO public.wide SELECT 1, 1, 1{f', {value}' * columns}"


@pytest.mark.parametrize(
    ("columns", "kind", "value", "fits"),
    [
        # 24 bytes of header and a bit for each column, three integers, the values, the link.
        (1_000, "bigint", "1", False),
        (990, "bigint", "1", True),
        (1_000, "bigint", "NULL", True),
        (449, "text", "repeat('x', 17)", False),
        (440, "text", "repeat('x', 17)", True),
        # Long values are moved out, and 18 bytes stay.
        (440, "text", "repeat('x', 70)", True),
        (250, "uuid", "gen_random_uuid()", True),
    ],
)
def test_a_row_without_room_for_the_link_is_named_before_0003(
    new_database: NewDatabase, columns: int, kind: str, value: str, fits: bool
) -> None:
    subject, url = wide(columns, kind), new_database()

    def fill(connection: psycopg.Connection[Any]) -> None:
        connection.execute(widely(columns, value).encode())

    build(subject, fill)(url)
    chain = Chain(url, subject)
    if not fits:
        failed = stays_at(chain, "0003", "rows have room for the link")
        assert failed.keys == ("1",)
        chain.run("UPDATE public.wide SET c0 = NULL, c1 = NULL, c2 = NULL, c3 = NULL")
    chain.up("0003")
    assert len(chain.child()) == 1
