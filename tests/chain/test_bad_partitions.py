"""Partitioned tables that cannot be served: a refusal by name before anything is changed."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import CannotCarry, CheckFailed, RefactorError
from tests.chain.driver import Chain, Subject, build, said
from tests.chain.fixed import fill
from tests.chain.partitioned import HASHED, NAME, RENAMED, hashed, partitioned
from tests.chain.subjects import MEMBERSHIP, renamed
from tests.fixtures.chains import ChainAt

SOURCE, COPY = f"public.{NAME}", "public.curriculum_membership"
FIRST = f"{SOURCE}_p0"
MANY = 2_000
STRANGER = "stranger_of_partitions"
FOREIGN = (
    f"ALTER TABLE {SOURCE} DROP CONSTRAINT pk_{NAME}",
    *(
        f"ALTER TABLE {SOURCE} DROP CONSTRAINT fk_{NAME}_{name}_id"
        for name in ("person", "programme", "curriculum", "rotation", "training_number")
    ),
    f"DROP TABLE {FIRST}",
    "CREATE FOREIGN DATA WRAPPER nothing",
    "CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing",
    f"CREATE FOREIGN TABLE {FIRST} PARTITION OF {SOURCE}"
    " FOR VALUES WITH (modulus 3, remainder 0) SERVER nowhere",
)
OWNED = (
    f"DO $$BEGIN CREATE ROLE {STRANGER}; EXCEPTION WHEN duplicate_object OR unique_violation"
    " THEN NULL; END$$",
    f"ALTER TABLE {FIRST} OWNER TO {STRANGER}",
)
BY_PROGRAMME = partitioned(
    "HASH (programme_id)", *hashed(), ids=("programme_id", "id"), keep=("programme_id",)
)
REFUSED: dict[str, tuple[Subject, tuple[str, ...], str]] = {
    "a foreign table": (HASHED, FOREIGN, "has foreign tables as partitions"),
    "another owner": (HASHED, OWNED, f'("{STRANGER}")'),
    "another owner, renamed": (RENAMED["hash"], OWNED, f'("{STRANGER}")'),
    "a key that goes": (
        replace(BY_PROGRAMME, plan=MEMBERSHIP.plan),
        (),
        "which leave the child at step drop_deprecated_columns",
    ),
    "a child by inheritance": (
        MEMBERSHIP,
        (f"CREATE TABLE public.heir () INHERITS ({SOURCE})",),
        "has the child tables public.heir",
    ),
    "a name of the archive's partition": (
        HASHED,
        (f"CREATE TABLE public.{NAME}_retired_p1 (x int)",),
        f'already has a relation "{NAME}_retired_p1"',
    ),
    "a name of the copy's partition": (
        RENAMED["range"],
        ("CREATE VIEW public.curriculum_membership_rest AS SELECT 1 AS one",),
        'already has a relation "curriculum_membership_rest"',
    ),
}


def chain_of(chain_at: ChainAt, name: str) -> Chain:
    subject, statements, _ = REFUSED[name]
    without = build(subject, fill)
    chain = chain_at(subject.start, subject=subject, name=f"bad {name}", first=without)
    chain.run(*statements)
    return chain


def detach_half_way(chain: Chain, table: str, partition: str) -> None:
    """The session ends while it waits for somebody who reads the table."""
    with (
        psycopg.connect(libpq_url(chain.url)) as reader,
        psycopg.connect(libpq_url(chain.url), autocommit=True) as dba,
    ):
        reader.execute(f"SELECT FROM {table}".encode())
        dba.execute("SET statement_timeout = 300")
        with pytest.raises(psycopg.errors.QueryCanceled):
            dba.execute(f"ALTER TABLE {table} DETACH PARTITION {partition} CONCURRENTLY".encode())


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_named_by_plan_and_refused_and_nothing_is_changed(
    name: str, chain_at: ChainAt
) -> None:
    chain = chain_of(chain_at, name)
    before, sentence = chain.portrait(), REFUSED[name][2]
    assert sentence in said(chain)
    with pytest.raises(CannotCarry) as stopped:
        chain.up(chain.subject.revisions[0])
    assert sentence in str(stopped.value)
    assert chain.portrait() == before
    assert not any(text.startswith(("trigger", "function")) for text in chain.own_objects())


@pytest.mark.parametrize(
    "revision",
    ["0002", "0003", *(pytest.param(r, marks=pytest.mark.slow) for r in ("0004", "0005", "0008"))],
)
def test_a_partition_detached_half_way_stops_every_step_until_it_is_detached(
    revision: str, chain_at: ChainAt
) -> None:
    subject = RENAMED["hash"] if revision < "0005" else HASHED
    name = "renamed hash" if revision < "0005" else "split hash"
    chain = chain_at(revision, subject=subject, name=name, first=build(subject, fill))
    table = SOURCE if revision < "0005" else COPY
    leaf = f"{table}_p0"
    detach_half_way(chain, table, leaf)
    after = next(r for r in subject.revisions if r > revision)
    with pytest.raises(RefactorError) as stopped:
        chain.up(after)
    assert "DETACH PARTITION" in str(stopped.value) and "FINALIZE" in str(stopped.value)
    if revision > "0002":
        with pytest.raises(CheckFailed, match="FINALIZE"):
            chain.down(revision)


@pytest.mark.slow
def test_two_thousand_partitions_are_refused_with_their_number(chain_at: ChainAt) -> None:
    few = renamed(HASHED)
    chain = chain_at("0002", subject=few, name="renamed hash", first=build(few, fill))
    drop = ", ".join(f"{SOURCE}_p{n}" for n in range(3))
    chain.run(
        f"DROP TABLE {drop}",
        f"DO $$ BEGIN FOR n IN 0..{MANY - 1} LOOP EXECUTE format('CREATE TABLE {SOURCE}_p%s "
        f"PARTITION OF {SOURCE} FOR VALUES WITH (modulus {MANY}, remainder %s)', n, n); "
        "END LOOP; END $$",
    )
    assert f"has {MANY:,} partitions" in said(chain)
    with pytest.raises(CannotCarry, match=f"has {MANY:,} partitions"):
        chain.up("0003")
