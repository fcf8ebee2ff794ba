"""A column that is added alike to source and copy between two steps is followed by repair."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import CannotCarry, RefactorError
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect.all_comparisons import (
    objects_to_repair,
    repair_all,
    repair_objects,
    verify_all,
)
from tests.chain.driver import Chain, snapshot
from tests.chain.test_application_triggers import AUDIT, STAMP
from tests.chain.test_guard import COPY, NEXT, STEP, WIDE, broken
from tests.fixtures.chains import ChainAt
from tests.races.pilot import Pilot

DEFAULTS = ["int", "text DEFAULT 'usual'", "int NOT NULL DEFAULT 7", "json", "numeric DEFAULT 1.0"]
OTHERS = {
    "int": ("5", "6"),
    "tex": ("'one'", "'two'"),
    "jso": ("'[1]'", "'[2]'"),
    "num": ("1.00", "2"),
}


def others(kind: str) -> tuple[str, str]:
    return OTHERS[kind[:3]]


def add(chain: Chain, kind: str, name: str = "x") -> None:
    for table in (WIDE, COPY):
        chain.run(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")


def values(chain: Chain, table: str, name: str = "x") -> dict[str, str | None]:
    return {i: row[name] for i, row in chain.rows(table, "id").items()}


def ids(chain: Chain) -> list[str]:
    return sorted(chain.source(), key=int)


@pytest.mark.parametrize("kind", DEFAULTS)
def test_values_of_both_sides_are_brought_over_and_carried_from_then_on(
    kind: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0004")
    add(chain, kind)
    one, two = others(kind)
    first, second, third = ids(chain)[:3]
    chain.run(
        f"UPDATE {WIDE} SET x = {one} WHERE id = {first}",
        f"UPDATE {COPY} SET x = {two} WHERE id = {second}",
    )
    assert values(chain, WIDE) != values(chain, COPY)
    with pytest.raises(CannotCarry, match=r'column "x".* repair --apply'):
        chain.runner().upgrade(NEXT["0004"])

    assert objects_to_repair(chain.runner()) == ('column "x" is not carried',)
    assert repair_objects(chain.runner()) == ('column "x" is carried between the tables',)
    assert objects_to_repair(chain.runner()) == ()

    assert values(chain, WIDE) == values(chain, COPY)
    assert values(chain, WIDE)[first] == one.strip("'")
    assert values(chain, WIDE)[second] == two.strip("'")
    assert (broken(chain), verify_all(chain.runner()).count) == ([], 0)
    chain.run(f"UPDATE {COPY} SET x = {one} WHERE id = {third}")
    chain.run(f"UPDATE {WIDE} SET x = {one} WHERE id = {second}")
    assert values(chain, WIDE) == values(chain, COPY)
    assert values(chain, WIDE)[third] == values(chain, WIDE)[second] == one.strip("'")
    before = values(chain, COPY)
    chain.up_to("0010", after="0004")
    assert values(chain, COPY) == before
    chain.down_to("0002", before="0010")
    assert values(chain, WIDE) == before
    chain.up_to("0005")
    assert values(chain, COPY) == before


def test_while_the_copy_is_read_only_it_gets_what_the_source_has(chain_at: ChainAt) -> None:
    chain = chain_at("0003")
    add(chain, "int DEFAULT 3", "x")
    add(chain, "int GENERATED ALWAYS AS (x + 1) STORED", "y")
    chain.run(f"UPDATE {WIDE} SET x = id")
    assert len(repair_objects(chain.runner())) == 2
    assert values(chain, COPY, "y") == values(chain, WIDE, "y")
    chain.run(
        f"INSERT INTO {WIDE} (person_id, programme_id, curriculum_id, x) VALUES (1, 1, 1, 99)"
    )
    assert values(chain, COPY) == values(chain, WIDE)
    assert "99" in values(chain, COPY).values()
    chain.up_to("0005", after="0003")
    chain.down_to("0002", before="0005")


@pytest.mark.parametrize("kind", ["int", "timestamptz DEFAULT clock_timestamp()"])
def test_two_different_values_are_refused_by_name_and_nothing_is_changed(
    kind: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0004")
    add(chain, kind)
    one, two = ("1", "2") if kind == "int" else ("'2020-01-01'", "'2021-01-01'")
    first = ids(chain)[0]
    chain.run(f"UPDATE {COPY} AS c SET x = w.x FROM {WIDE} AS w WHERE w.id = c.id")
    chain.run(
        f"UPDATE {WIDE} SET x = {one} WHERE id = {first}",
        f"UPDATE {COPY} SET x = {two} WHERE id = {first}",
    )
    before = snapshot(chain)
    with pytest.raises(RefactorError, match=rf'"x" in 1 rows, first {first}\.'):
        repair_objects(chain.runner())
    assert snapshot(chain) == before
    chain.run(f"UPDATE {WIDE} SET x = {two} WHERE id = {first}")
    repair_objects(chain.runner())
    assert values(chain, WIDE) == values(chain, COPY)
    chain.runner().upgrade(NEXT["0004"])


@pytest.mark.parametrize(
    ("of_source", "of_copy"),
    [
        ("int", "bigint"),
        ("int", "int NOT NULL DEFAULT 1"),
        ("int DEFAULT 1", "int DEFAULT 2"),
        ("bigserial", "bigserial"),
        ("text", 'text COLLATE "C"'),
    ],
)
def test_columns_that_are_not_alike_stay_refused(
    of_source: str, of_copy: str, chain_at: ChainAt
) -> None:
    chain = chain_at("0004")
    chain.run(
        f"ALTER TABLE {WIDE} ADD COLUMN x {of_source}", f"ALTER TABLE {COPY} ADD COLUMN x {of_copy}"
    )
    assert repair_objects(chain.runner()) == ()
    with pytest.raises(CannotCarry, match='column "x"') as up:
        chain.runner().upgrade(NEXT["0004"])
    with pytest.raises(CannotCarry, match='column "x"') as down:
        chain.runner().downgrade(STEP["0004"])
    assert "follows it" not in str(up.value) + str(down.value)


def test_no_trigger_of_the_application_fires_when_values_are_brought_over(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0004")
    chain.run(AUDIT.format(t=WIDE), STAMP.format(t=WIDE, changed="amended_date"))
    add(chain, "int")
    chain.run(f"UPDATE {COPY} SET x = 5 WHERE id = {ids(chain)[0]}")
    times = values(chain, WIDE, "amended_date")
    written = chain.value("SELECT count(*) FROM public.audit")
    repair_objects(chain.runner())
    assert values(chain, WIDE)[ids(chain)[0]] == "5"
    assert values(chain, WIDE, "amended_date") == times
    assert chain.value("SELECT count(*) FROM public.audit") == written
    repair_all(chain.runner(), verify_all(chain.runner()))
    assert verify_all(chain.runner()).count == 0


def test_the_way_down_goes_with_a_followed_column(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    add(chain, "int")
    chain.run(f"UPDATE {COPY} SET x = id")
    repair_objects(chain.runner())
    before = values(chain, WIDE)
    chain.down("0004", "0003")
    assert values(chain, WIDE) == before
    # Gone again before the next time: the ledger asks for it no more.
    chain.run(f"ALTER TABLE {WIDE} DROP COLUMN x")
    chain.up_to("0006")


def follow(runner: Runner) -> None:
    repair_objects(runner)


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_writers_while_a_column_is_followed_lose_nothing(isolation: str, chain_at: ChainAt) -> None:
    """One began before capture knew the column, one writes between that and the values."""
    chain = chain_at("0004")
    add(chain, "int")
    first, second, third = ids(chain)[:3]
    chain.run(f"UPDATE {COPY} SET x = 5 WHERE id = {first}")
    with (
        Pilot(chain.url, plan=chain.plan, schema="public") as pilot,
        psycopg.connect(libpq_url(chain.url)) as early,
    ):
        early.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
        early.execute("SELECT 1 FROM public.person")
        bringing = r'SELECT a\."id"::text FROM'
        pilot.start(follow, until=bringing, before=True)
        chain.run(f"UPDATE {COPY} SET x = 6 WHERE id = {second}")
        late = f"UPDATE {WIDE} SET x = 7 WHERE id IN ({first}, {third})"
        if isolation == "READ COMMITTED":
            early.execute(late.encode())
            early.commit()
        else:
            with pytest.raises(psycopg.errors.SerializationFailure):
                early.execute(late.encode())
        pilot.finish()
    expected = "7" if isolation == "READ COMMITTED" else "5"
    assert values(chain, WIDE) == values(chain, COPY)
    assert (values(chain, COPY)[first], values(chain, COPY)[second]) == (expected, "6")
    assert verify_all(chain.runner()).count == 0
