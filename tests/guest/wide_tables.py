"""Ten wide tables of unlike shapes, as other people have them: nothing here is ours.

Each is created and filled with random but repeatable rows. In every one the key decides the
``shared`` columns, and nothing else does.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wide:
    """A table, and what a reader of `membership-refactor new` would choose for it."""

    table: str
    create: tuple[str, ...]
    key: tuple[str, ...]
    shared: tuple[str, ...]
    """Columns that go to the parent with the key."""
    id: str = "id"
    rows: int = 300
    keep: tuple[str, ...] = ()
    """Key columns that stay with the child too."""
    note: str = ""


def _fill(table: str, columns: str, values: str, rows: int = 300) -> tuple[str, ...]:
    return (
        "SELECT setseed(0.42)",
        f"INSERT INTO {table} ({columns})\n"
        f"SELECT {values}\n"
        "FROM (SELECT n, (hashint4(n) & 1023) % 60 AS g\n"
        f"  FROM generate_series(1, {rows}) AS n) AS r",
    )


UUIDS = Wide(
    table="visit",
    key=("patient", "day"),
    shared=("ward",),
    create=(
        "CREATE TABLE visit (id uuid PRIMARY KEY, patient uuid NOT NULL, day date, ward text,"
        " measure text NOT NULL, value double precision,"
        " follows uuid REFERENCES visit (id) ON DELETE SET NULL)",
        *_fill(
            "visit",
            "id, patient, day, ward, measure, value",
            "md5('v' || n)::uuid, md5('p' || g % 20)::uuid, date '2024-01-01' + g,"
            " 'w' || g * 7 % 5, 'm' || n % 9, sqrt(n)",
        ),
        "UPDATE visit SET follows = md5('v1')::uuid WHERE measure = 'm3'",
    ),
    note="uuid id, a reference to itself",
)
WORDS = Wide(
    table='"Order"',
    key=('"Select"', '"from"'),
    shared=('"User"',),
    id='"Primary Key"',
    create=(
        'CREATE TABLE "Order" ("Primary Key" text PRIMARY KEY, "Select" integer NOT NULL,'
        ' "from" text, "User" text, "group by" text, "a.b" text, "per%cent" text)',
        *_fill(
            '"Order"',
            '"Primary Key", "Select", "from", "User", "group by", "a.b", "per%cent"',
            "'k' || n, g % 15, CASE WHEN g % 4 > 0 THEN 'f' || g END, 'u' || g * 3 % 11,"
            " 'x' || n % 7, CASE WHEN n % 5 = 0 THEN '' ELSE n::text END, '%s' || n",
        ),
    ),
    note="text id; reserved, mixed-case and odd names",
)
DATES = Wide(
    table="duty",
    key=("team",),
    shared=("lead", "phone"),
    id="day",
    create=(
        "CREATE TABLE duty (day date PRIMARY KEY, team text, lead text, phone text, hours interval,"
        " remark text DEFAULT 'none')",
        *_fill(
            "duty",
            "day, team, lead, phone, hours",
            "date '2020-01-01' + n, CASE WHEN g % 9 > 0 THEN 't' || g % 9 END, 'l' || g % 9,"
            " '+44 ' || g % 9, make_interval(hours => n % 12)",
        ),
    ),
    note="date id, NULL as a key of its own",
)
TWO_KEYS = Wide(
    table="enrolment",
    key=("student", "course"),
    shared=("grade",),
    id="id",
    create=(
        "CREATE TABLE enrolment (tenant integer NOT NULL, no integer NOT NULL, id bigint NOT NULL"
        " UNIQUE, student integer NOT NULL, course integer NOT NULL, grade text, module text,"
        " PRIMARY KEY (tenant, no))",
        *_fill(
            "enrolment",
            "tenant, no, id, student, course, grade, module",
            "n % 3, n, n * 10, g % 20, g % 6, 'g' || (g % 20) * (g % 6) % 5, 'm' || n % 8",
        ),
    ),
    note="composite primary key beside a unique id",
)
LONG = "a" * 60
NAMES = Wide(
    table=f"t{LONG}bc",
    key=(f"k{LONG}bc",),
    shared=(f"v{LONG}bc",),
    create=(
        f"CREATE TABLE t{LONG}bc (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        f" k{LONG}bc text NOT NULL, v{LONG}bc text, w{LONG}bc text)",
        *_fill(
            f"t{LONG}bc",
            f"k{LONG}bc, v{LONG}bc, w{LONG}bc",
            "'k' || g, 'v' || g % 7, 'w' || n % 11",
        ),
    ),
    note="names of 63 bytes",
)
TYPES = Wide(
    table="measure",
    key=("kind", "place"),
    shared=("tags", "spec"),
    create=(
        "CREATE EXTENSION IF NOT EXISTS citext",
        "CREATE TYPE kind AS ENUM ('low', 'mid', 'high')",
        "CREATE DOMAIN place AS text CHECK (VALUE <> '')",
        "CREATE TABLE measure (id bigserial PRIMARY KEY, kind kind NOT NULL, place place,"
        " tags text[], spec jsonb, span int4range, nick citext, host inet,"
        " doubled integer GENERATED ALWAYS AS (base * 2) STORED, base integer)",
        *_fill(
            "measure",
            "kind, place, tags, spec, span, nick, host, base",
            "(ARRAY['low', 'mid', 'high'])[1 + g % 3]::kind, 'p' || g % 17,"
            " ARRAY['t' || g % 3, 'p' || g % 17], jsonb_build_object('a', g % 3, 'b', g % 17),"
            " int4range(n, n + 5), 'Nick' || n % 6, ('10.0.0.' || n % 200)::inet, n",
        ),
    ),
    note="enum and domain keys; citext, jsonb, array, range, inet, a generated column",
)
INDEXES = Wide(
    table="booking",
    key=("guest", "hotel"),
    shared=("stars",),
    create=(
        "CREATE EXTENSION IF NOT EXISTS btree_gist",
        "CREATE TABLE booking (id integer PRIMARY KEY, guest integer NOT NULL, hotel integer NOT"
        " NULL, stars smallint, room integer NOT NULL, night daterange NOT NULL, code text,"
        " EXCLUDE USING gist (room WITH =, night WITH &&))",
        *_fill(
            "booking",
            "id, guest, hotel, stars, room, night, code",
            "n, g % 12, g % 5, (g % 12 * 3 + g % 5) % 6, n, daterange(date '2024-01-01' + n,"
            " date '2024-01-03' + n), 'C' || n",
        ),
        "CREATE UNIQUE INDEX booking_code ON booking (lower(code)) WHERE code IS NOT NULL",
        "CREATE INDEX booking_room ON booking (room) INCLUDE (code) WHERE room > 3",
        "CREATE INDEX booking_sum ON booking ((room + 1), code DESC NULLS LAST)",
        "CREATE STATISTICS booking_stats ON room, code FROM booking",
    ),
    note="EXCLUDE; partial, expression and covering indexes; extended statistics",
)
SECURED = Wide(
    table="case_note",
    key=("client",),
    shared=("client_name",),
    create=(
        "CREATE TABLE case_note (id bigint PRIMARY KEY, client integer NOT NULL, client_name text,"
        " author text NOT NULL DEFAULT current_user, body text)",
        *_fill(
            "case_note",
            "id, client, client_name, author, body",
            "n, g % 25, 'Client ' || g % 25, CASE n % 2 WHEN 0 THEN 'reader' ELSE 'writer' END,"
            " 'text ' || n",
        ),
        "ALTER TABLE case_note ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON case_note FOR SELECT USING (client < 20)",
    ),
    keep=("client",),
    note="row level security by a key column, which is kept",
)
EMPTY = Wide(
    table="nothing",
    key=("a",),
    shared=("b",),
    rows=0,
    create=(
        "CREATE TABLE nothing (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a integer"
        " NOT NULL, b text, c text)",
    ),
    note="no row",
)
ONE = Wide(
    table="single",
    key=("a",),
    shared=("b",),
    rows=1,
    create=(
        "CREATE TABLE single (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a integer"
        " NOT NULL, b text, c text)",
        "INSERT INTO single (a, b, c) VALUES (1, 'b', 'c')",
    ),
    note="one row",
)
_SHARED = tuple(f"s{n}" for n in range(1, 120))
_KEPT = tuple(f"c{n}" for n in range(1, 79))
BROAD = Wide(
    table="broad",
    key=("k",),
    shared=_SHARED,
    create=(
        "CREATE TABLE broad (id bigint PRIMARY KEY, k integer NOT NULL, "
        + ", ".join(f"{name} text" for name in (*_SHARED, *_KEPT))
        + ")",
        *_fill(
            "broad",
            f"id, k, {', '.join((*_SHARED, *_KEPT))}",
            "n, g, "
            + ", ".join(f"'{name}' || (g * {i} % 13)" for i, name in enumerate(_SHARED, start=3))
            + ", "
            + ", ".join(f"'{name}' || (n * {i} % 17)" for i, name in enumerate(_KEPT, start=3)),
        ),
    ),
    note="200 columns, 120 of which move to the parent",
)
MILLION = Wide(
    table="order_line",
    key=("order_no",),
    shared=("customer", "ordered_on"),
    rows=1_000_000,
    create=(
        "CREATE TABLE order_line (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " order_no integer NOT NULL, customer integer, ordered_on date, sku integer,"
        " price numeric)",
        "INSERT INTO order_line (order_no, customer, ordered_on, sku, price)"
        " SELECT n / 4, hashint4(n / 4) % 9000, date '2020-01-01' + (hashint4(n / 4) & 1023),"
        " n % 977, (n % 10000) / 100.0 FROM generate_series(1, 1000000) AS n",
        "VACUUM ANALYZE order_line",
    ),
    note="a million rows",
)

TABLES = (
    UUIDS, WORDS, DATES, TWO_KEYS, NAMES, TYPES, INDEXES, SECURED, EMPTY, ONE, BROAD, MILLION,
)  # fmt: skip
