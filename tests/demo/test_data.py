"""Generated memberships on a real server: their distribution, the same again, and the cost."""

from __future__ import annotations

import tracemalloc

import psycopg
import pytest
from psycopg import Connection
from sqlalchemy import create_engine

from membership_refactor.catalog.read import read_portrait
from membership_refactor.demo.data import FOREIGN_KEYS_OFF_FROM, MEMBERSHIPS, Loaded, load
from membership_refactor.demo.rows import COLUMNS
from membership_refactor.errors import WrongUse
from membership_refactor.models import legacy
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait.portrait_differences import differences
from tests.demo.conftest import ROWS, legacy_database
from tests.demo.queries import one
from tests.fixtures.databases import NewDatabase

KEY = ", ".join(SPLIT.key)
TYPE, START, END = SPLIT.key[2:]


def digest(connection: Connection) -> str:
    connection.execute("SET TIME ZONE 'UTC'")
    listed = ", ".join(("id", *COLUMNS))
    found = one(
        connection,
        f"SELECT md5(string_agg(ROW({listed})::text, E'\\n' ORDER BY id)) FROM {MEMBERSHIPS}",
    )
    return str(found)


def test_gaps_in_the_key_are_rare_but_not_freak(generated: Connection) -> None:
    for column in (TYPE, START, END):
        share = one(generated, f"SELECT avg(({column} IS NULL)::int) FROM {MEMBERSHIPS}")
        assert 0.0017 <= share <= 0.02, column


def test_curricula_of_a_membership_are_distributed_as_assumed(generated: Connection) -> None:
    rows = generated.execute(
        f"SELECT least(n, 3), count(*) FROM (SELECT count(*) AS n FROM {MEMBERSHIPS}"
        f" GROUP BY {KEY}) AS g GROUP BY 1".encode()
    ).fetchall()
    groups: dict[int, int] = dict(rows)
    total = sum(groups.values())
    assert groups[1] / total == pytest.approx(0.70, abs=0.03)
    assert groups[2] / total == pytest.approx(0.25, abs=0.03)
    assert groups[3] / total == pytest.approx(0.05, abs=0.02)


def test_most_persons_have_one_to_four_memberships(generated: Connection) -> None:
    share = one(
        generated,
        f"SELECT avg((n <= 4)::int) FROM (SELECT count(DISTINCT ({KEY})) AS n"
        f" FROM {MEMBERSHIPS} GROUP BY person_id) AS p",
    )
    assert share > 0.98
    assert one(generated, f"SELECT count(DISTINCT person_id) FROM {MEMBERSHIPS}") > ROWS / 4


def test_siblings_are_mostly_but_not_always_next_to_each_other(generated: Connection) -> None:
    apart = one(
        generated,
        "SELECT avg((place - lag > 1)::int) FROM (SELECT place, lag(place) OVER"
        f" (PARTITION BY {KEY} ORDER BY id) FROM (SELECT row_number() OVER (ORDER BY id) AS place,"
        f" id, {KEY} FROM {MEMBERSHIPS}) AS placed) AS p WHERE lag IS NOT NULL",
    )
    assert 0.005 < apart < 0.2


def test_ids_have_gaps_and_times_have_ties(generated: Connection) -> None:
    assert one(generated, f"SELECT max(id) FROM {MEMBERSHIPS}") > 1.05 * ROWS
    assert one(generated, f"SELECT count(DISTINCT amended_date) FROM {MEMBERSHIPS}") < 0.7 * ROWS


def test_every_column_that_may_be_missing_is_missing_somewhere(generated: Connection) -> None:
    for column in legacy.ProgrammeMembership.__table__.columns:
        missing = one(generated, f"SELECT count(*) FROM {MEMBERSHIPS} WHERE {column.name} IS NULL")
        assert (missing > 0) == column.nullable, column.name


def test_the_same_seed_gives_the_same_table_and_another_seed_another(
    new_database: NewDatabase,
) -> None:
    found = []
    for seed in (1, 1, 2):
        with psycopg.connect(legacy_database(new_database())) as connection:
            load(connection, rows=2_000, seed=seed)
            found.append(digest(connection))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_the_data_is_the_same_on_every_machine_and_python(empty_legacy: Connection) -> None:
    load(empty_legacy, rows=2_000, seed=1)
    assert digest(empty_legacy) == "3f93c4fa32c837cfb9f3001fd677103c"


@pytest.mark.parametrize("rows", [1, 7, 100, 501, 3_000])
def test_each_table_holds_as_many_rows_as_it_says(empty_legacy: Connection, rows: int) -> None:
    loaded = load(empty_legacy, rows=rows)
    assert loaded.memberships == rows
    for table, count in loaded.tables.items():
        assert one(empty_legacy, f"SELECT count(*) FROM {table}") == count


def test_the_next_id_is_a_new_one_in_every_table(empty_legacy: Connection) -> None:
    loaded = load(empty_legacy, rows=500)
    for table in loaded.tables:
        highest = one(empty_legacy, f"SELECT max(id) FROM {table}")
        assert (
            one(empty_legacy, f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))")
            == highest + 1
        )


def test_the_planner_knows_the_size_of_what_was_loaded(empty_legacy: Connection) -> None:
    load(empty_legacy, rows=500)
    query = f"SELECT reltuples FROM pg_class WHERE oid = '{MEMBERSHIPS}'::regclass"
    assert one(empty_legacy, query) == 500


def test_a_table_that_holds_rows_is_left_alone(empty_legacy: Connection) -> None:
    empty_legacy.execute("INSERT INTO person DEFAULT VALUES")
    with pytest.raises(WrongUse, match='table "person" holds rows already'):
        load(empty_legacy, rows=100)
    assert one(empty_legacy, f"SELECT count(*) FROM {MEMBERSHIPS}") == 0


def test_no_rows_are_refused(empty_legacy: Connection) -> None:
    with pytest.raises(WrongUse, match="0 rows were asked for"):
        load(empty_legacy, rows=0)


def test_a_load_that_fails_leaves_the_tables_empty(empty_legacy: Connection) -> None:
    empty_legacy.autocommit = True
    empty_legacy.execute("ALTER TABLE programme_membership ADD CHECK (id < 5000)")
    with pytest.raises(psycopg.errors.CheckViolation):
        load(empty_legacy, rows=10_000)
    assert one(empty_legacy, "SELECT count(*) FROM person") == 0


def test_progress_is_told_in_rows_and_ends_with_all_of_them(empty_legacy: Connection) -> None:
    told: list[tuple[str, int, int]] = []
    loaded = load(empty_legacy, rows=2_500, progress=lambda *step: told.append(step))
    assert [step for step in told if step[0] == MEMBERSHIPS] == [
        (MEMBERSHIPS, 1_000, 2_500),
        (MEMBERSHIPS, 2_000, 2_500),
        (MEMBERSHIPS, 2_500, 2_500),
    ]
    ends = {table: done for table, done, total in told if done == total}
    assert ends == loaded.tables


@pytest.mark.parametrize("rows", [2_000, FOREIGN_KEYS_OFF_FROM])
def test_the_tables_portrait_is_untouched_also_by_a_large_load(
    new_database: NewDatabase, rows: int
) -> None:
    url = new_database()
    with psycopg.connect(legacy_database(url)) as connection:
        connection.execute(
            "COMMENT ON CONSTRAINT fk_programme_membership_person_id ON programme_membership"
            " IS 'who'"
        )
        connection.commit()
        engine = create_engine(url)
        names = [table.name for table in legacy_tables("public").tables]
        with engine.connect() as reader:
            before = read_portrait(reader, "public", names)
        load(connection, rows=rows)
        connection.commit()
        with engine.connect() as reader:
            after = read_portrait(reader, "public", names)
        engine.dispose()
    assert differences(before, after, ignore_order=False) == ()


def test_a_writer_who_does_not_own_the_tables_can_load_as_much(empty_legacy: Connection) -> None:
    empty_legacy.execute("CREATE ROLE generated_data_writer")
    empty_legacy.execute(
        "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO generated_data_writer"
    )
    empty_legacy.execute("GRANT UPDATE ON ALL SEQUENCES IN SCHEMA public TO generated_data_writer")
    empty_legacy.execute("SET ROLE generated_data_writer")
    assert load(empty_legacy, rows=FOREIGN_KEYS_OFF_FROM).memberships == FOREIGN_KEYS_OFF_FROM
    empty_legacy.rollback()


def peak(connection: Connection, rows: int) -> tuple[int, Loaded]:
    """The most memory Python held while loading; everything is rolled back."""
    tracemalloc.start()
    try:
        with connection.transaction(force_rollback=True):
            loaded = load(connection, rows=rows)
        return tracemalloc.get_traced_memory()[1], loaded
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_the_clients_memory_does_not_grow_with_the_table(empty_legacy: Connection) -> None:
    peak(empty_legacy, 1_000)  # what is imported and cached once
    small, _ = peak(empty_legacy, 20_000)
    large, loaded = peak(empty_legacy, 200_000)
    assert loaded.memberships == 200_000
    assert large < small + 500_000
