"""Twins of partitions on a real server: rows move out of the default without a trigger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from membership_refactor.catalog.read import read_portrait
from membership_refactor.database import libpq_url
from membership_refactor.portrait import Member, Table
from membership_refactor.portrait.partition_twins import twins
from membership_refactor.sql.members.new_twins import new_twins
from membership_refactor.sql.members.twin_statements import make_twins, take_out
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.statements import Statement
from tests.fixtures.databases import NewDatabase

TABLES = """
CREATE TABLE person (id bigint PRIMARY KEY);
INSERT INTO person VALUES (1), (2), (3);
CREATE TABLE orders (id bigint, day integer, kind text, PRIMARY KEY (id, day, kind))
  PARTITION BY RANGE (day);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (1) TO (2);
CREATE TABLE articles (id bigint, day integer, kind text, person bigint REFERENCES person
  DEFERRABLE INITIALLY DEFERRED, twice bigint GENERATED ALWAYS AS (id * 2) STORED,
  PRIMARY KEY (id, day, kind)) PARTITION BY RANGE (day);
CREATE INDEX ON articles (kind);
CREATE TABLE articles_1 PARTITION OF articles FOR VALUES FROM (1) TO (2);
CREATE TABLE articles_net PARTITION OF articles DEFAULT;
CREATE TABLE seen (tag text, at text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.seen VALUES (TG_OP, TG_TABLE_NAME); RETURN NULL; END $$;
CREATE TRIGGER each AFTER DELETE ON articles FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER all_of AFTER INSERT OR DELETE OR UPDATE ON articles_net EXECUTE FUNCTION note();
CREATE TRIGGER emptied AFTER TRUNCATE ON articles_net EXECUTE FUNCTION note();
ALTER TABLE articles ENABLE ALWAYS TRIGGER each;
ALTER TABLE articles_net ENABLE ALWAYS TRIGGER all_of;
ALTER TABLE articles_net ENABLE ALWAYS TRIGGER emptied;
INSERT INTO articles VALUES (1, 1, 'a', 1), (2, 3, 'b', 2), (3, 4, 'c', 3), (4, 3, 'd', 1);
TRUNCATE seen
"""


class Sides:
    """The two tables, and what has to be done so that one follows the other."""

    def __init__(self, pg: psycopg.Connection[Any]) -> None:
        self.pg = pg

    def run(self, *texts: str) -> None:
        for text in texts:
            self.pg.execute(text.encode())

    def query(self, text: str) -> list[tuple[Any, ...]]:
        return self.pg.execute(text.encode()).fetchall()

    def tables(self) -> tuple[Table, Table]:
        found = read_portrait(self.pg, "public", ("orders", "articles"))
        return found.table("orders"), found.table("articles")

    def made(self) -> list[Member]:
        return [twin for _, twin in self._new()]

    def _new(self) -> list[tuple[Member, Member]]:
        leader, follower = self.tables()
        assert leader.partitioning is not None and follower.partitioning is not None
        taken = [name for (name,) in self.query("SELECT relname::text FROM pg_class")]
        found = twins(leader.partitioning, follower.partitioning)
        return new_twins(leader, follower, found, taken)

    def follow(self) -> None:
        leader, follower = self.tables()
        assert leader.partitioning is not None and follower.partitioning is not None
        found, new = twins(leader.partitioning, follower.partitioning), self._new()
        rows = {
            twin.name: self.query(
                "SELECT pg_get_partition_constraintdef("
                f"{literal(qualified('public', member.name))}::regclass)"
            )[0][0]
            for member, twin in new
        }
        statements: list[Statement] = []
        for member in found.surplus:
            statements += take_out(member, drop=True)
        statements += make_twins(follower, [twin for _, twin in new], found.defaults, rows)
        with self.pg.transaction():
            self.run(*(statement.text for statement in statements))

    def where(self) -> dict[str, list[int]]:
        """The ids by the partition that holds them."""
        return {
            name: ids
            for name, ids in self.query(
                "SELECT tableoid::regclass::text, array_agg(id ORDER BY id) FROM articles "
                "GROUP BY 1 ORDER BY 1"
            )
        }


@pytest.fixture
def sides(new_database: NewDatabase) -> Iterator[Sides]:
    with psycopg.connect(libpq_url(new_database()), autocommit=True) as pg:
        made = Sides(pg)
        made.run(*TABLES.strip().split(";\n"))
        yield made


def test_rows_of_a_new_partition_leave_the_net_and_no_trigger_fires(sides: Sides) -> None:
    sides.run("CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (3) TO (4)")

    sides.follow()

    assert sides.where() == {"articles_1": [1], "articles_3": [2, 4], "articles_net": [3]}
    assert sides.query("SELECT * FROM seen") == []
    assert sides.query("SELECT id, twice FROM articles WHERE twice <> id * 2") == []
    # The new partition has what the others have. Who made it enables the triggers afterwards.
    on_it = "SELECT tgname::text, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal AND "
    assert sides.query(f"{on_it} tgrelid = 'articles_3'::regclass") == [("each", "D")]
    sides.run("ALTER TABLE articles_3 ENABLE ALWAYS TRIGGER each")
    sides.run("DELETE FROM articles_3 WHERE id = 2")
    assert sides.query("SELECT * FROM seen") == [("DELETE", "articles_3")]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        sides.run("INSERT INTO articles VALUES (9, 3, 'x', 77)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        sides.run("INSERT INTO articles_3 VALUES (4, 3, 'd', 1)")
    assert sides.query("SELECT count(*) FROM pg_index WHERE indrelid = 'articles_3'::regclass") == [
        (2,)
    ]


def test_an_empty_net_has_an_empty_file(sides: Sides) -> None:
    sides.run(
        "CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (3) TO (4)",
        "CREATE TABLE orders_4 PARTITION OF orders FOR VALUES FROM (4) TO (9)",
    )
    size = "SELECT pg_relation_size('articles_net')"
    assert sides.query(size) != [(0,)]
    sides.follow()
    assert sides.query(size) == [(0,)] and sides.query("SELECT * FROM seen") == []
    assert sides.where() == {"articles_1": [1], "articles_3": [2, 4], "articles_4": [3]}


def test_a_partition_with_partitions_of_its_own_gets_the_rows_too(sides: Sides) -> None:
    sides.run(
        "CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (3) TO (5) "
        "PARTITION BY LIST (kind)",
        "CREATE TABLE orders_3_b PARTITION OF orders_3 FOR VALUES IN ('b', 'c')",
        "CREATE TABLE odd PARTITION OF orders_3 DEFAULT",
    )
    sides.follow()
    assert sides.where() == {
        "articles_1": [1], "articles_3_b": [2, 3], "odd_articles": [4],
    }  # fmt: skip
    leader, follower = sides.tables()
    assert leader.partitioning is not None and follower.partitioning is not None
    assert not twins(leader.partitioning, follower.partitioning).apart


def test_a_partition_below_another_empties_the_net_beside_it_alone(sides: Sides) -> None:
    sides.run(
        "CREATE TABLE orders_6 PARTITION OF orders FOR VALUES FROM (6) TO (7) "
        "PARTITION BY LIST (kind)",
        "CREATE TABLE articles_6 PARTITION OF articles FOR VALUES FROM (6) TO (7) "
        "PARTITION BY LIST (kind)",
        "CREATE TABLE articles_6_net PARTITION OF articles_6 DEFAULT",
        "INSERT INTO articles VALUES (60, 6, 'x'), (61, 6, 'y')",
        "CREATE TABLE orders_6_x PARTITION OF orders_6 FOR VALUES IN ('x')",
    )
    sides.follow()
    assert sides.where() == {
        "articles_1": [1],
        "articles_6_net": [61],
        "articles_6_x": [60],
        "articles_net": [2, 3, 4],
    }


def test_a_default_of_both_sides_gives_its_rows_too(sides: Sides) -> None:
    sides.run(
        "CREATE TABLE orders_rest PARTITION OF orders DEFAULT",
        "CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (3) TO (4)",
    )
    sides.follow()
    assert sides.where() == {"articles_1": [1], "articles_3": [2, 4], "articles_net": [3]}
    assert sides.query("SELECT * FROM seen") == []


def test_a_partition_that_left_goes_with_its_rows_and_no_trigger_fires(sides: Sides) -> None:
    sides.run("ALTER TABLE orders DETACH PARTITION orders_1")
    sides.follow()
    assert sides.where() == {"articles_net": [2, 3, 4]}
    assert sides.query("SELECT * FROM seen") == []
    assert sides.query("SELECT to_regclass('articles_1')") == [(None,)]


def test_a_partition_that_was_split_is_replaced(sides: Sides) -> None:
    sides.run(
        "DROP TABLE orders_1",
        "CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (4)",
    )
    sides.follow()
    assert sides.where() == {"articles_1_2": [2, 4], "articles_net": [3]}


def test_the_name_of_a_twin_is_one_that_is_free(sides: Sides) -> None:
    long = "orders_" + "ü" * 28
    sides.run(
        "CREATE VIEW articles_3 AS SELECT 1",
        "CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (3) TO (4)",
        f'CREATE TABLE "{long}" PARTITION OF orders FOR VALUES FROM (4) TO (5)',
        'CREATE TABLE "Of ""June" PARTITION OF orders FOR VALUES FROM (6) TO (7)',
    )
    made = [member.name for member in sides.made()]
    assert "articles_3_2" in made and 'Of "June_articles' in made
    assert all(len(name.encode()) <= 63 for name in made)
    sides.follow()
    assert sides.where()["articles_3_2"] == [2, 4]


def test_who_may_use_a_partition_may_use_its_twin(sides: Sides) -> None:
    sides.run(
        "CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (3) TO (4) "
        "WITH (fillfactor = 70)",
        "GRANT SELECT ON orders_3 TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
    )
    sides.follow()
    may = "SELECT has_table_privilege('public', 'articles_3', '{}')"
    assert sides.query(may.format("SELECT")) == [(True,)]
    assert sides.query(may.format("INSERT")) == [(False,)]
    assert sides.query("SELECT reloptions FROM pg_class WHERE relname = 'articles_3'") == [
        (["fillfactor=70"],)
    ]
