"""Tables of unlike shapes: what ``new`` writes for them is a plan that the first steps take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.processes import query
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import Project, new_project
from tests.propose.look import execute
from tests.propose.projects import new

LONG = "a_table_whose_name_takes_all_of_the_sixty_three_bytes_there_are"
assert len(LONG) == 63
TABLES: Mapping[str, tuple[str, str]] = {
    "Order": (
        'CREATE TABLE "Order" ("Id" uuid PRIMARY KEY DEFAULT gen_random_uuid(), "select" text, '
        '"From" text, "UpdatedAt" timestamptz NOT NULL DEFAULT now(), "x y" text);'
        'INSERT INTO "Order" ("select", "From", "x y") '
        "SELECT 'k' || g, 'f' || hashint4(g), md5(n::text || g) "
        "FROM generate_series(1, 200) AS g, generate_series(1, 4) AS n",
        '"Order"',
    ),
    LONG: (
        f"CREATE TABLE {LONG} (id text PRIMARY KEY, {LONG[:-1]}x text, {LONG[:-1]}y text, z int);"
        f"INSERT INTO {LONG} SELECT g || '-' || n, 'k' || g, 'f' || hashint4(g), g * 10 + n "
        "FROM generate_series(1, 200) AS g, generate_series(1, 4) AS n",
        LONG,
    ),
    "größe": (
        'CREATE TABLE "größe" (id date PRIMARY KEY, "straße" text, ort text, "maß" int);'
        "INSERT INTO \"größe\" SELECT date '2000-01-01' + g * 10 + n, 's' || g, "
        "'o' || hashint4(g), g * 10 + n "
        "FROM generate_series(1, 200) AS g, generate_series(1, 4) AS n",
        '"größe"',
    ),
    "kinds": (
        "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN code AS text CHECK (value <> '');"
        "CREATE TABLE kinds (id bigint PRIMARY KEY, no code, m mood, doc jsonb, tags text[], "
        "span int4range, plain json, made text GENERATED ALWAYS AS (no || '!') STORED, "
        "parent_id bigint REFERENCES kinds, amount numeric, lock_version integer DEFAULT 0, "
        "uuid text, EXCLUDE USING gist (span WITH &&));"
        "CREATE UNIQUE INDEX ON kinds (id) WHERE amount > 0; CREATE INDEX ON kinds (lower(no));"
        "ALTER TABLE kinds ENABLE ROW LEVEL SECURITY;"
        "INSERT INTO kinds (id, no, m, doc, tags, span, plain, amount, uuid) "
        "SELECT g * 10 + n, 'k' || g, (ARRAY['good', 'bad'])[1 + (hashint4(g) & 1)]::mood, "
        "jsonb_build_object('a', hashint4(g)), ARRAY['t' || hashint4(g + 1)], "
        "int4range(g * 10 + n, g * 10 + n + 1), json_build_object('b', hashint4(g + 2)), "
        "hashint4(g * 10 + n), 'u' || hashint4(g + 3) "
        "FROM generate_series(1, 200) AS g, generate_series(1, 4) AS n",
        "kinds",
    ),
    # Line numbers begin anew in each order, order numbers at each tenant.
    "two ids": (
        'CREATE TABLE "two ids" (tenant int, id int, order_no int NOT NULL, carrier text, '
        "article text, PRIMARY KEY (tenant, id));"
        "INSERT INTO \"two ids\" SELECT t, g * 10 + n, g, 'c' || hashint4(t * 1000 + g), "
        "md5(n || 'x' || g * t) FROM generate_series(1, 4) AS t, generate_series(1, 100) AS g, "
        "generate_series(1, 3) AS n",
        '"two ids"',
    ),
    "numbered lines": (
        'CREATE TABLE "numbered lines" (order_no int, line int, carrier text, article text, '
        "PRIMARY KEY (order_no, line));"
        "INSERT INTO \"numbered lines\" SELECT g, n, 'c' || hashint4(g), md5(n || 'x' || g) "
        "FROM generate_series(1, 300) AS g, generate_series(1, 3) AS n",
        '"numbered lines"',
    ),
    # Both columns of the primary key stay with the child, as the partition key has to.
    "by day": (
        'CREATE TABLE "by day" (id bigint, day date, order_no int NOT NULL, carrier text, '
        "article text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);"
        "CREATE TABLE early PARTITION OF \"by day\" FOR VALUES FROM (MINVALUE) TO ('2024-02-01');"
        "CREATE TABLE late PARTITION OF \"by day\" FOR VALUES FROM ('2024-02-01') TO ('2025-01-01')"
        " PARTITION BY HASH (id);"
        "CREATE TABLE late_0 PARTITION OF late FOR VALUES WITH (modulus 2, remainder 0);"
        "CREATE TABLE late_1 PARTITION OF late FOR VALUES WITH (modulus 2, remainder 1);"
        "INSERT INTO \"by day\" SELECT g * 10 + n, date '2024-01-01' + (g * 7 + n * 11) % 300, g, "
        "'c' || hashint4(g), md5(n || 'x' || g) "
        "FROM generate_series(1, 200) AS g, generate_series(1, 4) AS n",
        '"by day"',
    ),
    "empty": ("CREATE TABLE empty (id int PRIMARY KEY, grp int, who text)", "empty"),
}

GIVEN = {
    "empty": ("--key", "grp", "--parent-columns", "who"),
    "numbered lines": ("--key", "order_no"),
}
"""What cannot be found in a table, or only in a larger one."""


def _project(tmp_path: Path, url: str, name: str) -> tuple[Project, str]:
    script, quoted = TABLES[name]
    execute(url, f"{script}; ANALYZE {quoted}")
    return new_project(tmp_path, url, revisions=()), quoted


@pytest.mark.parametrize("how", [(), ("--in-place",)], ids=["split", "in place"])
@pytest.mark.parametrize("name", TABLES, ids=lambda n: n[:12])
def test_a_plan_is_written(
    tmp_path: Path, new_database: NewDatabase, name: str, how: tuple[str, ...]
) -> None:
    project, _ = _project(tmp_path, new_database(), name)
    given = GIVEN.get(name, ())

    done = new(project, name, "--yes", *given, *how)

    assert done.status == 0, done.out + done.err
    (module,) = project.folder.glob("refactoring_*.py")
    assert module.stem.isidentifier()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("two ids", ('id=("tenant", "id"),', 'key=("tenant", "order_no"),', 'keep=("tenant",),')),
        ("by day", ('id=("id", "day"),', 'key=("order_no",),')),
        (
            "numbered lines",
            ('id=("order_no", "line"),', 'key=("order_no",),', 'keep=("order_no",)'),
        ),
    ],
)
def test_a_primary_key_of_several_columns_is_the_id_and_what_it_needs_is_kept(
    tmp_path: Path, new_database: NewDatabase, name: str, said: tuple[str, ...]
) -> None:
    project, _ = _project(tmp_path, new_database(), name)

    done = new(project, name, "--yes", *GIVEN.get(name, ()))

    assert done.status == 0, done.out + done.err
    (module,) = project.folder.glob("refactoring_*.py")
    assert [text for text in said if text not in module.read_text()] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES, ids=lambda n: n[:12])
def test_the_first_two_steps_take_it(tmp_path: Path, new_database: NewDatabase, name: str) -> None:
    url = new_database()
    project, quoted = _project(tmp_path, url, name)
    given = GIVEN.get(name, ())
    assert new(project, name, "--yes", "--child", "copied", *given).status == 0
    rows = f"SELECT t::text FROM {quoted} AS t ORDER BY 1"
    before = query(url, rows)

    up = project.alembic("upgrade", "+2")

    assert up.status == 0, up.out + up.err
    copied = query(url, "SELECT t::text FROM copied AS t ORDER BY 1")
    # The copy's row ends with the link.
    assert [row[0].rpartition(",")[0] for row in copied] == [row[0][:-1] for row in before]
    down = project.alembic("downgrade", "base")
    assert down.status == 0, down.out + down.err
    assert query(url, rows) == before
