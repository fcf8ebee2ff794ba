"""What becomes of partitions is seen from the catalog, on plain partitioned tables of a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.sql.ledger.table_definitions import create_ledger
from membership_refactor.sql.members.known_members import (
    changed_members,
    hang_on_members,
    know_all_members,
    know_members,
    unfollowed_members,
)
from membership_refactor.sql.names import Names
from membership_refactor.testing.scratch_databases import Databases
from tests.chain.subjects import MEMBERSHIP
from tests.fixtures.databases import TemplateDatabase

PLAN = replace(MEMBERSHIP.plan, source="orders", copy="articles", retired="orders_retired")
NAMES = Names(PLAN, "public")
TRIGGERS = {
    "insert": "AFTER INSERT ON {t} REFERENCING NEW TABLE AS n",
    "truncate": "AFTER TRUNCATE ON {t}",
}
TABLE = """
CREATE TABLE orders (id bigint, day integer, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (1) TO (2);
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (2) TO (3) PARTITION BY LIST (id);
CREATE TABLE orders_2_a PARTITION OF orders_2 FOR VALUES IN (1, 2);
CREATE TABLE orders_2_b PARTITION OF orders_2 DEFAULT;
CREATE TABLE seen (tag text, at text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.seen VALUES (TG_OP, TG_TABLE_NAME); RETURN NULL; END $$;
CREATE TRIGGER "~refactor_row" BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE orders ENABLE ALWAYS TRIGGER "~refactor_row"
"""


def built(url: str) -> None:
    with psycopg.connect(libpq_url(url), autocommit=True) as pg:
        for text in TABLE.strip().split(";\n"):
            pg.execute(text.encode())
        for name, text in TRIGGERS.items():
            trigger = f'"AA_refactor_{name}"'
            pg.execute(
                f"CREATE TRIGGER {trigger} {text.format(t='orders')} "
                "FOR EACH STATEMENT EXECUTE FUNCTION note()".encode()
            )
            pg.execute(f"ALTER TABLE orders ENABLE ALWAYS TRIGGER {trigger}".encode())
        for statement in create_ledger("public"):
            pg.execute(statement.text.encode())
        pg.execute(hang_on_members(NAMES, "orders").text.encode())
        pg.execute(know_all_members(NAMES).text.encode())


@dataclass
class Watched:
    """A partitioned table whose partitions are known."""

    url: str
    pg: psycopg.Connection[Any]

    def run(self, *texts: str) -> None:
        for text in texts:
            self.pg.execute(text.encode())

    def changed(self) -> list[str]:
        query = changed_members(NAMES, (), ())
        return [text for (text,) in self.pg.execute(query.encode()).fetchall()]

    def unknown(self) -> list[tuple[Any, ...]]:
        return self.pg.execute(unfollowed_members(NAMES).encode()).fetchall()


@pytest.fixture
def watched(template_database: TemplateDatabase) -> Iterator[Watched]:
    url = template_database("known members", built)
    with psycopg.connect(libpq_url(url), autocommit=True) as pg:
        yield Watched(url, pg)


def test_partitions_of_all_levels_are_known_once(watched: Watched) -> None:
    assert watched.changed() == []
    assert watched.unknown() == []
    watched.run(know_all_members(NAMES).text)
    assert watched.pg.execute("SELECT count(*) FROM public_refactor.event").fetchone() == (4,)


DONE = {
    "made": (
        ("CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (3) TO (4)",),
        ["partition public.orders_3 of orders was made or attached"],
    ),
    "made below another": (
        ("CREATE TABLE orders_2_c PARTITION OF orders_2 FOR VALUES IN (7)",),
        ["partition public.orders_2_c of orders was made or attached"],
    ),
    "attached with rows": (
        (
            "CREATE TABLE orders_3 (LIKE orders INCLUDING ALL)",
            "INSERT INTO orders_3 VALUES (1, 3)",
            "ALTER TABLE orders ATTACH PARTITION orders_3 FOR VALUES FROM (3) TO (4)",
        ),
        ["partition public.orders_3 of orders was made or attached"],
    ),
    "attached with partitions": (
        (
            "CREATE TABLE orders_3 (LIKE orders INCLUDING ALL) PARTITION BY LIST (id)",
            "CREATE TABLE orders_3_a PARTITION OF orders_3 DEFAULT",
            "ALTER TABLE orders ATTACH PARTITION orders_3 FOR VALUES FROM (3) TO (4)",
        ),
        [
            "partition public.orders_3 of orders was made or attached",
            "partition public.orders_3_a of orders was made or attached",
        ],
    ),
    "detached": (
        ("ALTER TABLE orders DETACH PARTITION orders_1",),
        ["partition public.orders_1 of orders was detached or dropped"],
    ),
    "dropped": (
        ("DROP TABLE orders_1",),
        ["partition public.orders_1 of orders was detached or dropped"],
    ),
    "detached with those below it": (
        ("ALTER TABLE orders DETACH PARTITION orders_2",),
        [
            "partition public.orders_2 of orders was detached or dropped",
            "partition public.orders_2_a of orders was detached or dropped",
            "partition public.orders_2_b of orders was detached or dropped",
        ],
    ),
    "detached, written and attached again": (
        (
            "ALTER TABLE orders DETACH PARTITION orders_1",
            "INSERT INTO orders_1 VALUES (9, 1)",
            "ALTER TABLE orders ATTACH PARTITION orders_1 FOR VALUES FROM (1) TO (2)",
        ),
        ["partition public.orders_1 of orders was detached and attached again"],
    ),
    "exchanged for a table of the same name and bounds": (
        (
            "DROP TABLE orders_1",
            "CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (1) TO (2)",
        ),
        [
            "partition public.orders_1 of orders was detached or dropped",
            "partition public.orders_1 of orders was made or attached",
        ],
    ),
    "a trigger disabled on one partition": (
        ('ALTER TABLE orders_1 DISABLE TRIGGER "AA_refactor_insert"',),
        ['trigger "AA_refactor_insert" on partition public.orders_1 is disabled'],
    ),
    "a clone disabled on one partition": (
        ('ALTER TABLE orders_2_a DISABLE TRIGGER "~refactor_row"',),
        ['trigger "~refactor_row" on partition public.orders_2_a is disabled'],
    ),
    "triggers disabled and enabled by a bulk load": (
        ("ALTER TABLE orders_1 DISABLE TRIGGER USER", "ALTER TABLE orders_1 ENABLE TRIGGER USER"),
        [
            f'trigger "{name}" on partition public.orders_1 does not fire for replicated and '
            "bulk-loaded rows (ENABLE ALWAYS)"
            for name in ("AA_refactor_insert", "AA_refactor_truncate", "~refactor_row")
        ],
    ),
    "a trigger dropped on one partition": (
        ('DROP TRIGGER "AA_refactor_truncate" ON orders_2_b',),
        ['trigger "AA_refactor_truncate" on partition public.orders_2_b is missing'],
    ),
    "another function behind a trigger of that name": (
        (
            "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NULL; END $$",
            'DROP TRIGGER "AA_refactor_truncate" ON orders_1',
            'CREATE TRIGGER "AA_refactor_truncate" AFTER TRUNCATE ON orders_1 '
            "EXECUTE FUNCTION other()",
            'ALTER TABLE orders_1 ENABLE ALWAYS TRIGGER "AA_refactor_truncate"',
        ),
        ['trigger "AA_refactor_truncate" on partition public.orders_1 is missing'],
    ),
}


@pytest.mark.parametrize("name", DONE)
def test_what_becomes_of_a_partition_is_seen(name: str, watched: Watched) -> None:
    done, expected = DONE[name]
    watched.run(*done)
    assert watched.changed() == sorted(expected)


@pytest.mark.parametrize(
    "harmless",
    [
        "VACUUM (FULL) pg_catalog.pg_inherits",
        "ALTER TABLE orders_1 RENAME TO orders_one",
        "ALTER TABLE orders_1 SET (fillfactor = 70)",
        "TRUNCATE orders_1",
        "CREATE INDEX ON orders (day)",
        "CREATE TRIGGER audit AFTER INSERT ON orders_1 EXECUTE FUNCTION note()",
        "ALTER TABLE orders RENAME TO orders_retired",
    ],
)
def test_what_keeps_the_rows_where_they_are_is_no_change(harmless: str, watched: Watched) -> None:
    watched.run(harmless)
    assert watched.changed() == []


def test_a_partition_that_is_detached_half_way_is_named_with_the_statement(
    watched: Watched,
) -> None:
    with psycopg.connect(libpq_url(watched.url)) as reader:
        reader.execute("SELECT FROM orders")
        watched.run("SET statement_timeout = 300")
        with pytest.raises(psycopg.errors.QueryCanceled):
            watched.run("ALTER TABLE orders DETACH PARTITION orders_1 CONCURRENTLY")
        watched.run("RESET statement_timeout")
    (text,) = watched.changed()
    statement = "ALTER TABLE public.orders DETACH PARTITION public.orders_1 FINALIZE"
    assert text == f"partition public.orders_1 of orders is detached half-way: {statement}".replace(
        "ALTER TABLE public.orders DETACH", "ALTER TABLE orders DETACH"
    )
    assert watched.unknown() == []
    watched.run("ALTER TABLE orders DETACH PARTITION orders_1 FINALIZE")
    assert watched.changed() == ["partition public.orders_1 of orders was detached or dropped"]


def test_new_partitions_get_the_triggers_and_fire_for_every_write(watched: Watched) -> None:
    watched.run(
        "CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (3) TO (4)",
        'CREATE TABLE "Ord \' ers" PARTITION OF orders FOR VALUES FROM (4) TO (5)',
        hang_on_members(NAMES, "orders").text,
        "SET session_replication_role = replica",
        "INSERT INTO orders_3 VALUES (1, 3)",
        'INSERT INTO "Ord \' ers" VALUES (1, 4)',
        'TRUNCATE "Ord \' ers"',
        "DELETE FROM orders_3",
    )
    assert watched.pg.execute("SELECT tag, at FROM seen").fetchall() == [
        ("INSERT", "orders_3"),
        ("INSERT", "Ord ' ers"),
        ("TRUNCATE", "Ord ' ers"),
        ("DELETE", "orders_3"),
    ]


def test_disabled_triggers_of_partitions_fire_again(watched: Watched) -> None:
    watched.run(
        "ALTER TABLE orders_1 DISABLE TRIGGER USER",
        'ALTER TABLE orders_2_a DISABLE TRIGGER "~refactor_row"',
        hang_on_members(NAMES, "orders").text,
    )
    assert watched.changed() == []


def test_only_what_was_handled_becomes_known(watched: Watched) -> None:
    watched.run(
        "CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (3) TO (4)",
        "CREATE TABLE orders_4 PARTITION OF orders FOR VALUES FROM (4) TO (5)",
        "DROP TABLE orders_1",
    )
    handled = [(oid, since) for _, oid, since, *_ in watched.unknown()]
    # Attached again after it was handled: it may have been written meanwhile.
    watched.run(
        "ALTER TABLE orders DETACH PARTITION orders_4",
        "ALTER TABLE orders ATTACH PARTITION orders_4 FOR VALUES FROM (4) TO (5)",
        hang_on_members(NAMES, "orders").text,
        know_members(NAMES, handled).text,
    )
    assert watched.changed() == ["partition public.orders_4 of orders was made or attached"]
    watched.run(know_all_members(NAMES, of="articles").text)
    assert watched.changed() == ["partition public.orders_4 of orders was made or attached"]
    watched.run(know_all_members(NAMES, of="orders").text)
    assert watched.changed() == []


def test_a_table_without_triggers_of_the_tool_is_not_watched(watched: Watched) -> None:
    watched.run(
        'DROP TRIGGER "~refactor_row" ON orders',
        'DROP TRIGGER "AA_refactor_insert" ON orders',
        'DROP TRIGGER "AA_refactor_truncate" ON orders',
        "CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (3) TO (4)",
        "DROP TABLE orders_1",
    )
    assert watched.changed() == []


def test_another_plan_of_the_schema_has_partitions_of_its_own(
    watched: Watched, databases: Databases
) -> None:
    other = Names(replace(PLAN, name="another"), "public")
    found = watched.pg.execute(changed_members(other, (), ()).encode()).fetchall()
    assert len(found) == 4 and all("was made or attached" in text for (text,) in found)


def test_what_portraits_do_not_have_in_common_is_said_too(watched: Watched) -> None:
    watched.run(
        "CREATE TABLE net (id bigint, day integer)",
        "CREATE TABLE empty_net (id bigint)",
        "INSERT INTO net VALUES (1, 1)",
    )
    query = changed_members(NAMES, ["it's lonely"], ['"public"."net"', '"public"."empty_net"'])
    assert [text for (text,) in watched.pg.execute(query.encode()).fetchall()] == [
        'default partition "public"."net" holds rows of other partitions',
        "it's lonely",
    ]
