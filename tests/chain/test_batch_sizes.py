"""A batch is never larger than asked, however many rows one value has."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import StepInterrupted
from membership_refactor.execution.options import Options
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.script import Pace
from membership_refactor.sql.pacing.pace import LARGEST
from membership_refactor.sql.quoting import qualified
from membership_refactor.testing.scratch_databases import Build
from tests.chain.driver import Chain, Subject, build, snapshot
from tests.chain.subjects import MEMBERSHIP, ODD
from tests.fixtures.chains import ChainAt
from tests.fixtures.databases import NewDatabase
from tests.offline.scripts import Script, held_at_batch
from tests.races.pilot import Pilot

SIZE = 20
ROWS = 10 * SIZE
LEGACY = legacy_tables("public")
OPTIONS = Options(accept_usage="a test", batch_rows=SIZE, lock_timeout=20)
ONE = "1"
TWO_OF_FOUR = "CASE WHEN g <= 80 THEN 1 WHEN g <= 160 THEN 3 WHEN g % 2 = 0 THEN 0 ELSE 2 END"


def rows(person: str, kind: str, count: int = ROWS) -> str:
    return (
        "INSERT INTO public.programme_membership (person_id, programme_id,"
        " programme_membership_type, curriculum_id, rotation, amended_date)"
        f" SELECT {person}, 1, {kind}, 0, g::text,"
        "   timestamptz '2020-01-01' + g * interval '1 second'"
        f" FROM generate_series(1, {count}) AS g"
    )


def filled(statement: str, subject: Subject = MEMBERSHIP) -> Build:
    def fill(connection: psycopg.Connection[Any]) -> None:
        connection.execute(statement.encode())

    return build(subject, fill)


def popular(chain_at: ChainAt, revision: str, person: str = TWO_OF_FOUR) -> Chain:
    """Every row has a key of its own; many keys begin with the same value."""
    name = "one popular" if person == ONE else "two popular"
    chain = chain_at(revision, name=name, first=filled(rows(person, "g::text")))
    return replace(chain, options=OPTIONS)


def measured(chain: Chain, work: Callable[[], object]) -> dict[str, list[int]]:
    """Do ``work``; return the rows of each batch by job, which the ledger forgets at the end."""
    chain.run(
        "CREATE TABLE public.done (job text, rows bigint)",
        "CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ "
        "BEGIN INSERT INTO public.done VALUES (NEW.job, NEW.rows); RETURN NULL; END $$",
        f"CREATE TRIGGER keep AFTER UPDATE ON {qualified(chain.names.ledger, 'batch')} "
        "FOR EACH ROW WHEN (NEW.done) EXECUTE FUNCTION public.keep()",
    )
    work()
    return dict(
        chain.query("SELECT job, array_agg(rows ORDER BY rows DESC) FROM public.done GROUP BY job")
    )


def parents_fit(chain: Chain) -> bool:
    """Every key has one parent, and no parent has another."""
    keys = sorted(repr([r[c] for c in chain.plan.key]) for r in chain.parents().values())
    return keys == sorted({repr([r[c] for c in chain.plan.key]) for r in chain.child().values()})


@pytest.mark.parametrize("person", [ONE, TWO_OF_FOUR], ids=["one value", "two of four"])
def test_a_popular_value_of_the_first_key_column_is_done_in_batches(
    chain_at: ChainAt, person: str
) -> None:
    chain = popular(chain_at, "0006", person)
    found = measured(chain, lambda: chain.up("0007"))
    along_link = found["rebuild_parent up rebuild_popular"]
    ordinary = found.get("rebuild_parent up rebuild", [0])
    assert max(along_link) <= SIZE
    assert max(ordinary) <= SIZE
    assert sum(along_link) + sum(ordinary) == ROWS
    assert parents_fit(chain)


def test_rows_without_a_first_key_value_are_done_in_batches(chain_at: ChainAt) -> None:
    # Keys differ in the date; a few rows have a first key value.
    statement = (
        'INSERT INTO "Sch ""ä"" 100%s.x"."select" ("Schlüssel ""%""", "first key %", "né ""q""")'
        f" SELECT 'r' || g, CASE WHEN g <= 8 THEN 'x' END, date '2020-01-01' + g"
        f" FROM generate_series(1, {ROWS}) AS g"
    )
    first = filled(statement, ODD)
    chain = replace(chain_at("0006", subject=ODD, name="gaps", first=first), options=OPTIONS)
    found = measured(chain, lambda: chain.up("0007"))
    assert max(found["rebuild_parent up rebuild_popular"]) <= SIZE
    assert sum(found["rebuild_parent up rebuild_popular"]) == ROWS - 8
    assert found["rebuild_parent up rebuild"] == [8]
    assert parents_fit(chain)


@pytest.mark.parametrize("kind", ["NULL", "(g % 3)::text"], ids=["one family", "three"])
def test_a_large_family_is_refreshed_in_batches(chain_at: ChainAt, kind: str) -> None:
    name = "one family" if kind == "NULL" else "three families"
    chain = chain_at("0010", name=name, first=filled(rows(ONE, kind)))
    chain = replace(chain, options=OPTIONS)
    # A parent that changed later than its children gives each of them its time.
    chain.run(
        "UPDATE public.programme_membership SET rotation = 'new', amended_date = '2030-01-01'"
        " WHERE programme_membership_type IS NULL OR programme_membership_type = '1'"
    )
    times = {row["id"]: row["amended_date"] for row in chain.child().values()}
    chain.down("0010")
    found = measured(chain, lambda: chain.down("0009"))
    assert max(found["stop_parallel_save down refresh"]) <= SIZE
    for row in chain.child().values():
        touched = row["programme_membership_type"] in (None, "1")
        assert (row["rotation"] == "new") is touched
        expected = "2030-01-01 00:00:00+00" if touched else times[row["id"]]
        assert row["amended_date"] == expected


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_a_parent_that_changes_between_two_batches_of_its_children(
    chain_at: ChainAt, isolation: str
) -> None:
    """A snapshot from before the first batch sees children that are not refreshed yet."""
    chain = chain_at("0010", name="one family", first=filled(rows(ONE, "NULL")))
    chain.down("0010")
    batch = r'SELECT .*_refresh"\('
    with (
        Pilot(chain.url, plan=chain.plan, schema="public", options=OPTIONS) as pilot,
        psycopg.connect(libpq_url(chain.url)) as early,
    ):
        pilot.start(lambda r: r.downgrade("stop_parallel_save"), until=batch, before=True)
        early.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
        early.execute("SELECT 1 FROM public.person")
        pilot.until(batch, before=True)
        write = "UPDATE public.programme_membership SET rotation = 'meanwhile'"
        if isolation == "READ COMMITTED":
            early.execute(write.encode())
            early.commit()
        else:
            with pytest.raises(psycopg.errors.SerializationFailure):
                early.execute(write.encode())
        pilot.finish()
    (parent,) = chain.parents().values()
    assert {row["rotation"] for row in chain.child().values()} == {parent["rotation"]}
    assert (parent["rotation"] == "meanwhile") is (isolation == "READ COMMITTED")


def test_a_script_does_the_same(chain_at: ChainAt) -> None:
    chain, other = popular(chain_at, "0006"), popular(chain_at, "0007")
    script = Script(chain, LEGACY, Pace(accept_usage="a test", batch_rows=SIZE))
    found = measured(chain, lambda: script.up("0007").fine())
    assert max(found["rebuild_parent up rebuild_popular"]) <= SIZE
    assert max(found["rebuild_parent up rebuild"]) <= SIZE
    chain.run("DROP TRIGGER keep ON public_refactor.batch", "DROP FUNCTION public.keep()")
    assert snapshot(chain) == snapshot(other)


@pytest.mark.parametrize("by_script", [False, True], ids=["runner", "script"])
def test_killed_among_popular_values_it_goes_on(chain_at: ChainAt, by_script: bool) -> None:
    """The sessions of one of runner and script are ended, and the other goes on."""
    chain, other = popular(chain_at, "0006"), popular(chain_at, "0007")
    script = Script(chain, LEGACY, Pace(accept_usage="a test", batch_rows=SIZE))

    def work() -> None:
        if by_script:
            script.up("0007").fine()
        else:
            chain.up("0007")

    with ThreadPoolExecutor(1) as pool, held_at_batch(chain, 4) as kill:
        stopped = pool.submit(work)
        kill()
        # psql leaves at a lost connection with another status than at a failed statement.
        with pytest.raises(AssertionError if by_script else StepInterrupted):
            stopped.result(timeout=60)
    if by_script:
        chain.up("0007")
    else:
        script.up("0007").fine()
    assert snapshot(chain) == snapshot(other)


@pytest.mark.slow
def test_batches_that_adapt_stay_below_the_largest(new_database: NewDatabase) -> None:
    count, url = 3 * LARGEST, new_database()
    filled(rows(ONE, "g::text", count))(url)
    chain = Chain(url, MEMBERSHIP, replace(OPTIONS, batch_rows=None))
    chain.up_to("0006")
    found = measured(chain, lambda: chain.up("0007"))
    assert max(found["rebuild_parent up rebuild_popular"]) <= LARGEST
    assert sum(found["rebuild_parent up rebuild_popular"]) == count
