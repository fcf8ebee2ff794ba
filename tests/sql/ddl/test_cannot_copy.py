"""What cannot be carried is refused by name, before anything is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import create_engine

from membership_refactor.catalog.read import read_server
from membership_refactor.planning import Conflict, ParentColumn, TableSplit
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Server, Table
from membership_refactor.sql.ddl.cannot_copy import cannot_carry
from membership_refactor.sql.ddl.plan_fits import fits
from tests.chain.subjects import KEPT_IN_PLACE
from tests.fixtures.portraits import Catalog
from tests.portrait.everything import PLAIN

PLAN = TableSplit(
    name="p",
    source="t",
    copy="c",
    parent="t",
    link="link",
    key=("k",),
    parent_columns=(ParentColumn(name="v", conflict=Conflict.LATEST),),
    child_columns=(),
    changed="at",
)
COLUMNS = "id bigint PRIMARY KEY, k text, v text, at timestamptz"


def _reasons(catalog: Catalog, *statements: str, plan: TableSplit = PLAN) -> str:
    catalog.run(statements)
    return "\n".join(cannot_carry(plan, catalog.table("public", plan.source)))


def test_the_shipped_plan_can_be_carried_out_on_the_legacy_tables() -> None:
    source = legacy_tables("public").table(SPLIT.source)

    assert cannot_carry(SPLIT, source, server=Server(superuser=True)) == ()


def test_a_table_with_everything_can_be_carried(catalog: Catalog) -> None:
    catalog.run([*PLAIN.statements(), *PLAIN.surroundings(), *PLAIN.publication()])
    source = catalog.table(PLAIN.schema, PLAIN.table)
    with create_engine(catalog.url).connect() as connection:
        server = read_server(connection, PLAIN.schema)

    assert cannot_carry(PLAIN.plan, source, server=server) == ()


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (
            (
                "CREATE TABLE public.t (id bigint NOT NULL, k text, v text, at timestamptz)"
                " PARTITION BY RANGE (abs(id))",
            ),
            'table "t" is partitioned by an expression',
        ),
        ((f"CREATE UNLOGGED TABLE public.t ({COLUMNS})",), "is unlogged"),
        (
            (f"CREATE TABLE public.a ({COLUMNS})", "CREATE TABLE public.t () INHERITS (public.a)"),
            "inherits from public.a",
        ),
        (
            (f"CREATE TABLE public.t ({COLUMNS})", "CREATE TABLE public.b () INHERITS (public.t)"),
            "has the child tables public.b",
        ),
        (
            (
                "CREATE TYPE public.y AS (id bigint, k text, v text, at timestamptz)",
                "CREATE TABLE public.t OF public.y (PRIMARY KEY (id))",
            ),
            "is a typed table (OF public.y)",
        ),
        (
            (
                "CREATE FOREIGN DATA WRAPPER w",
                "CREATE SERVER v FOREIGN DATA WRAPPER w",
                "CREATE FOREIGN TABLE public.t (id bigint, k text) SERVER v",
            ),
            "is a foreign table",
        ),
        (("CREATE VIEW public.t AS SELECT 1 AS id",), "is a view"),
        (
            (
                f"CREATE TABLE public.t ({COLUMNS})",
                "CREATE RULE r AS ON INSERT TO public.t DO ALSO NOTIFY x",
            ),
            'has the rule "r" on INSERT',
        ),
        (
            (
                f"CREATE TABLE public.t ({COLUMNS})",
                "CREATE RULE r AS ON DELETE TO public.t DO INSTEAD NOTHING",
            ),
            'has the rule "r" on DELETE',
        ),
        (
            (
                "CREATE TABLE public.t"
                " (id bigint PRIMARY KEY DEFERRABLE, k text, v text, at timestamptz)",
            ),
            "the primary key is deferrable",
        ),
        (
            (
                "CREATE TABLE public.t (a int, b int, id bigint NOT NULL, k text, v text,"
                " at timestamptz, PRIMARY KEY (a, b))",
            ),
            'the primary key is (a, b), the plan expects ("id"), or a UNIQUE constraint',
        ),
        (
            (
                "CREATE TABLE public.t (a int, b int, id bigint NOT NULL, k text, v text,"
                " at timestamptz, PRIMARY KEY (a, b))",
                "CREATE UNIQUE INDEX ON public.t (id) WHERE a > 0",
            ),
            "the plan expects",
        ),
        (
            (
                "CREATE TABLE public.t (a int, b int, id bigint UNIQUE, k text, v text,"
                " at timestamptz, PRIMARY KEY (a, b))",
            ),
            'the id "id" may be NULL. Run ALTER TABLE',
        ),
        (
            (
                "CREATE TABLE public.t (a int, id bigint NOT NULL UNIQUE, k text, v text,"
                " at timestamptz, PRIMARY KEY (a, k))",
            ),
            "the primary key includes k, which leave the child",
        ),
        (
            (
                "CREATE TABLE public.t (a int, id bigint NOT NULL UNIQUE DEFERRABLE, k text,"
                " v text, at timestamptz, PRIMARY KEY (a))",
            ),
            "is deferrable, and ON CONFLICT cannot use it",
        ),
        (
            ("CREATE TABLE public.t (id bigint, k text, v text, at timestamptz)",),
            "there is no primary key",
        ),
        (
            (
                "CREATE TABLE public.t"
                " (id bigint, k text, v text, at timestamptz, PRIMARY KEY (id, k))",
            ),
            "the primary key is (id, k)",
        ),
    ],
)
def test_it_is_refused_by_name(
    catalog: Catalog, statements: tuple[str, ...], sentence: str
) -> None:
    assert sentence in _reasons(catalog, *statements)


def test_rules_that_rewrite_nothing_are_carried(catalog: Catalog) -> None:
    found = _reasons(
        catalog,
        f"CREATE TABLE public.t ({COLUMNS})",
        "CREATE RULE also AS ON DELETE TO public.t DO ALSO NOTIFY x",
        "CREATE RULE off AS ON INSERT TO public.t DO INSTEAD NOTHING",
        "ALTER TABLE public.t DISABLE RULE off",
    )

    assert found == ""


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ("id bigint PRIMARY KEY, v text, at timestamptz", 'column "k" of the plan is not in'),
        (f"{COLUMNS}, link uuid", 'already has a column "link"'),
        (COLUMNS.replace("k text", "k double precision"), "has type double precision"),
        (COLUMNS.replace("k text", "k json"), "has type json"),
        (COLUMNS.replace("k text", "k interval"), "has type interval"),
        (COLUMNS.replace("k text", "k public.short"), "public.short (a domain over interval)"),
        (
            COLUMNS.replace("k text", "k text GENERATED ALWAYS AS (v) STORED"),
            'key column "k" is generated',
        ),
        (
            COLUMNS.replace("v text", "v text GENERATED ALWAYS AS (k) STORED"),
            'parent column "v" is generated',
        ),
        (f"{COLUMNS}, g text GENERATED ALWAYS AS (v) STORED", 'generated from "v", which leaves'),
        (COLUMNS.replace("timestamptz", "text"), 'column "at" (changed) has type text'),
    ],
)
def test_a_plan_that_does_not_fit_says_why(catalog: Catalog, columns: str, sentence: str) -> None:
    catalog.run(
        [
            "CREATE DOMAIN public.short AS interval",
            f"CREATE TABLE public.t ({columns})",
        ]
    )

    found = fits(PLAN, catalog.table("public", "t"))

    assert any(sentence in reason for reason in found), found


def make_loose_collation(catalog: Catalog) -> None:
    """``public.loose`` holds different texts for equal, which only ICU's collations may."""
    if catalog.value("SELECT count(*) FROM pg_collation WHERE collname = 'de-x-icu'") == 0:
        pytest.skip("this server was built without ICU: it has no nondeterministic collations")
    catalog.run(
        ["CREATE COLLATION public.loose (provider = icu, locale = 'und', deterministic = false)"]
    )


@pytest.mark.parametrize(
    ("id_type", "sentence"),
    [
        ("numeric", "has type numeric"),
        ("numeric(20,0)", "has type numeric(20,0)"),
        ("real", "has type real"),
        ("double precision", "has type double precision"),
        ("interval", "has type interval"),
        ("jsonb", "has type jsonb"),
        ("bpchar", "has type bpchar"),
        ("public.citext", "has type public.citext"),
        ("public.amount", "has type public.amount (a domain over numeric(10,2))"),
        ("text COLLATE public.loose", "has the nondeterministic collation public.loose"),
        ("char(3) COLLATE public.loose", "has the nondeterministic collation public.loose"),
    ],
)
def test_an_id_is_refused_of_which_equal_values_differ(
    catalog: Catalog, id_type: str, sentence: str
) -> None:
    if "loose" in id_type:
        make_loose_collation(catalog)
    catalog.run(
        [
            "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public",
            "CREATE DOMAIN public.amount AS numeric(10, 2)",
            f"CREATE TABLE public.t ({COLUMNS.replace('id bigint', f'id {id_type}')})",
        ]
    )

    (reason,) = fits(PLAN, catalog.table("public", "t"))

    assert f'id column "id" {sentence}' in reason


@pytest.mark.parametrize(
    "id_type",
    [
        "smallint",
        "integer",
        "text",
        'text COLLATE "C"',
        "varchar(20)",
        "char(4)",
        "uuid",
        "date",
        "timestamptz(3)",
        "timestamp",
        "bytea",
        "boolean",
        "inet",
        "public.number",
    ],
)
def test_an_id_whose_equal_values_are_identical_fits(catalog: Catalog, id_type: str) -> None:
    catalog.run(
        [
            "CREATE DOMAIN public.number AS bigint",
            f"CREATE TABLE public.t ({COLUMNS.replace('id bigint', f'id {id_type}')})",
        ]
    )

    assert fits(PLAN, catalog.table("public", "t")) == ()


@pytest.mark.parametrize(
    ("type_name", "refused"),
    [
        ("json", True),
        ("json[]", True),
        ("xml", True),
        ("point", True),
        ("circle", True),
        ("xid", True),
        ("jsonpath", True),
        ("public.note", True),
        ("jsonb", False),
        ("boolean", False),
        ("uuid", False),
        ("bytea", False),
        ("bit(3)", False),
        ("int4range", False),
        ("text[]", False),
        ("name", False),
    ],
)
def test_a_greatest_value_is_asked_of_types_with_an_order_only(
    catalog: Catalog, type_name: str, refused: bool
) -> None:
    greatest = replace(PLAN, parent_columns=(ParentColumn(name="v", conflict=Conflict.MAX),))
    catalog.run(
        [
            "CREATE DOMAIN public.note AS json",
            f"CREATE TABLE public.t ({COLUMNS.replace('v text', f'v {type_name}')})",
        ]
    )

    found = fits(greatest, catalog.table("public", "t"))

    assert len(found) == refused
    assert all("has no greatest value. Choose another policy than max" in r for r in found)


def test_a_key_whose_collation_holds_different_texts_for_equal_is_refused(
    catalog: Catalog,
) -> None:
    make_loose_collation(catalog)
    catalog.run(
        [
            f"CREATE TABLE public.t ({COLUMNS.replace('k text', 'k text COLLATE public.loose')})",
        ]
    )

    (reason,) = fits(PLAN, catalog.table("public", "t"))

    assert "nondeterministic collation public.loose" in reason


@pytest.mark.parametrize(
    "key", ["bigint", "varchar(20)", "numeric(10,2)", "date", "uuid", "boolean", "timestamptz(3)"]
)
def test_plain_key_types_and_columns_beside_the_plan_fit(catalog: Catalog, key: str) -> None:
    columns = COLUMNS.replace("k text", f"k {key}")

    found = _reasons(
        catalog,
        f"CREATE TABLE public.t ({columns}, extra json, g int GENERATED ALWAYS AS (1) STORED)",
    )

    assert found == ""


@pytest.fixture
def source() -> Table:
    table = legacy_tables("public").table(SPLIT.source)
    return replace(table, owner="app")


@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        (Server(user="me", acts_as=("me",)), 'GRANT "app" TO "me"'),
        (
            Server(user="app", acts_as=("app",), relations=("curriculum_membership",)),
            'the schema already has a relation "curriculum_membership"',
        ),
        (
            Server(user="app", acts_as=("app",), relations=("pk_curriculum_membership",)),
            'the schema already has a relation "pk_curriculum_membership"',
        ),
        (
            Server(user="app", acts_as=("app",), relations=("programme_membership_retired",)),
            'the schema already has a relation "programme_membership_retired"',
        ),
        (
            Server(user="app", acts_as=("app",), relations=("pk_programme_membership_retired",)),
            'the schema already has a relation "pk_programme_membership_retired"',
        ),
        (
            Server(user="app", acts_as=("app",), relations=("uq_programme_membership_key",)),
            'the schema already has a relation "uq_programme_membership_key"',
        ),
    ],
)
def test_role_and_names_are_asked(source: Table, server: Server, sentence: str) -> None:
    found = cannot_carry(SPLIT, source, server=server)

    assert any(sentence in reason for reason in found), found


@pytest.mark.parametrize(
    ("taken", "refused"),
    [
        ("pk_membership", True),
        ("uq_membership_key", True),
        ("uq_membership_kept", True),
        ("ix_programme_membership_programme_membership_uuid", True),
        ("pk_programme_membership", False),
        ("pk_membership_retired", False),
    ],
)
def test_names_of_the_parent_are_asked_where_the_table_is_split_in_place(
    source: Table, taken: str, refused: bool
) -> None:
    """The table's own names stay its own, and there is no archive."""
    server = Server(user="app", acts_as=("app",), relations=(taken, source.name))
    plan = KEPT_IN_PLACE.plan

    found = cannot_carry(plan, source, server=server)

    assert any(f'the schema already has a relation "{taken}"' in text for text in found) == refused


def test_an_index_of_the_child_may_have_the_name_that_the_parent_needs(source: Table) -> None:
    """Then both would be there at once."""
    index = replace(source.indexes[0], name="uq_membership_key")
    server = Server(user="app", acts_as=("app",), relations=(source.name, index.name))
    found = cannot_carry(
        KEPT_IN_PLACE.plan, replace(source, indexes=(*source.indexes, index)), server=server
    )

    assert any('"uq_membership_key"' in text for text in found), found


@pytest.mark.parametrize(
    "columns",
    ["id int PRIMARY KEY", "id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED"],
)
def test_a_table_of_an_id_alone_cannot_be_followed(columns: str, catalog: Catalog) -> None:
    plan = TableSplit(name="p", source="t", copy="c")
    found = _reasons(catalog, f"CREATE TABLE public.t ({columns})", plan=plan)

    assert 'there is no column besides "id" that can be written' in found


def test_forced_row_security_needs_bypassrls(source: Table) -> None:
    forced = replace(source, row_security=True, force_row_security=True)
    server = Server(user="app", acts_as=("app",))

    (reason,) = cannot_carry(SPLIT, forced, server=server)

    assert "FORCE ROW LEVEL SECURITY" in reason
    assert (
        cannot_carry(SPLIT, forced, server=replace(server, bypass_row_security=(forced.owner,)))
        == ()
    )


def test_a_security_label_and_a_subscription_are_refused(source: Table) -> None:
    assert (
        "security label" in cannot_carry(SPLIT, replace(source, security_labels=(("se", "x"),)))[0]
    )
    assert "subscription" in cannot_carry(SPLIT, replace(source, subscribed=True))[0]
