"""Values that are equal and not the same (1.0 and 1.00): which of them a parent gets, at every
write and in every order of the rows, and that an id of such a type is refused."""

from __future__ import annotations

import itertools

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import CannotCarry
from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.planning import Conflict, ParentColumn, TableSplit
from tests.chain.driver import Chain, Subject
from tests.fixtures.databases import NewDatabase
from tests.reference_model.split import Model

CITEXT = "CREATE EXTENSION citext"
LOOSE = (
    "CREATE COLLATION public.loose"
    " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
)


def split(
    new_database: NewDatabase,
    *before: str,
    id_type: str = "bigint",
    columns: dict[str, tuple[str, Conflict]],
) -> Chain:
    """A chain at 0002 over an empty wide table with those parent columns."""
    plan = TableSplit(
        name="equal values",
        source="wide",
        copy="narrow",
        parent="wide",
        key=("k",),
        parent_columns=tuple(ParentColumn(name=n, conflict=p) for n, (_, p) in columns.items()),
        child_columns=("c",),
        link="wide_uuid",
        changed="amended",
    )
    listed = "".join(f", {name} {type_name}" for name, (type_name, _) in columns.items())
    create = (
        *before,
        f"CREATE TABLE public.wide (id {id_type} PRIMARY KEY, k text{listed}, c text,"
        " amended timestamptz)",
    )
    chain = Chain(new_database(), Subject(plan=plan, schema="public", create=create))
    chain.run(*create)
    return chain


def found(chain: Chain) -> list[object]:
    return [f for verdict in verify_all(chain.runner()).verdicts for f in verdict.findings]


def touched_in_every_order(chain: Chain) -> None:
    """Rows are written anew, some in one statement and some alone: the order in the table is
    another afterwards, and nobody wrote a value of the parent."""
    chain.run(
        "UPDATE public.narrow SET c = 'x' WHERE id % 3 = 0",
        *(f"UPDATE public.narrow SET c = 'y' WHERE id = {n}" for n in range(1, 60, 5)),
    )
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as connection:
        connection.execute("VACUUM public.narrow")
    chain.run(*(f"UPDATE public.narrow SET c = 'z' WHERE id = {n}" for n in range(60, 0, -7)))


@pytest.mark.parametrize("others", [(), (Conflict.MAX,), (Conflict.LATEST,), (Conflict.FIRST,)])
@pytest.mark.parametrize("policy", [Conflict.MAX, Conflict.AGREE])
def test_the_row_whose_image_of_an_equal_value_is_taken_is_always_the_same(
    policy: Conflict, others: tuple[Conflict, ...], new_database: NewDatabase
) -> None:
    columns = {"v": ("numeric", policy)}
    columns |= {f"o{n}": ("text", other) for n, other in enumerate(others)}
    chain = split(new_database, columns=columns)
    given = "".join(f", 'o' || n % 3 AS o{n}" for n in range(len(others)))
    chain.run(
        "INSERT INTO public.wide SELECT n, 'k' || n / 5,"
        f" (ARRAY['1.0', '1.00', '1', NULL])[1 + n % {4 if policy is Conflict.MAX else 3}]"
        f"::numeric{given}, 'c', '2020-01-01' FROM generate_series(1, 60) AS n"
    )
    wide = list(chain.source().values())
    model = Model(chain.plan, chain.types(), wide)
    chain.up_to("0007")
    assert chain.parents() == model.parents()
    touched_in_every_order(chain)
    assert chain.parents() == model.parents()
    assert found(chain) == []
    chain.up("0008")
    assert found(chain) == []
    chain.down_to("0002", before="0008")
    assert {id: r["v"] for id, r in chain.source().items()} == {r["id"]: r["v"] for r in wide}


@pytest.mark.parametrize(
    ("type_name", "one", "two", "before"),
    [
        ("double precision", "'0'", "'-0'", ""),
        ("interval", "'1 month'", "'30 days'", ""),
        ("jsonb", "'1.0'", "'1.00'", ""),
        ("public.citext", "'a'", "'A'", CITEXT),
        ('text COLLATE "C"', "'a'", "'B'", ""),
        ('varchar(10) COLLATE "C"', "'a'", "'B'", ""),
        ("text COLLATE public.loose", "'a'", "'A'", LOOSE),
        ("public.amount", "1.0", "1.00", "CREATE DOMAIN public.amount AS numeric"),
        ("public.mood", "'low'", "'high'", "CREATE TYPE public.mood AS ENUM ('high', 'low')"),
        ("boolean", "'t'", "'f'", ""),
        ("uuid", "'0190a8f2-0000-8000-9000-000000000001'", "'0" + "0" * 31 + "'", ""),
        ("bytea", "'x'", "'y'", ""),
        ("bit(3)", "B'101'", "B'001'", ""),
        ("int4range", "'[1,2)'", "'empty'", ""),
        ("numeric[]", "'{1.0}'", "'{1.00}'", ""),
        ("text[]", "'{{a,b}}'", "'{}'", ""),
        ("name", "'n'", "'m'", ""),
        ("character(4)", "'a'", "'b'", ""),
        ("cidr", "'10.0.0.0/8'", "'10.0.0.0/16'", ""),
        ("inet", "'::1'", "'10.0.0.1'", ""),
        ("money", "1", "2", ""),
        ("time with time zone", "'10:00+00'", "'11:00+01'", ""),
    ],
)
def test_the_greatest_of_any_type_with_an_order_is_found_and_kept(
    type_name: str, one: str, two: str, before: str, new_database: NewDatabase
) -> None:
    columns = {"v": (type_name, Conflict.MAX), "w": ("text", Conflict.LATEST)}
    chain = split(new_database, *([before] if before else []), columns=columns)
    chain.run(
        *(
            f"INSERT INTO public.wide VALUES ({n}, 'k{n // 5}', {value}, 'w', 'c', '2020-01-01')"
            for n, value in zip(range(1, 61), itertools.cycle((one, two, "NULL")), strict=False)
        )
    )
    before_all = chain.source()
    greatest = {
        row[0]: row[1]
        for row in chain.query(
            "SELECT DISTINCT ON (k) k, v::text FROM public.wide"
            " ORDER BY k, wide.v DESC NULLS LAST, id DESC"
        )
    }
    chain.up_to("0007")
    assert {p["k"]: p["v"] for p in chain.parents().values()} == greatest
    touched_in_every_order(chain)
    assert {p["k"]: p["v"] for p in chain.parents().values()} == greatest
    assert found(chain) == []
    chain.up("0008")
    assert found(chain) == []
    chain.down_to("0002", before="0008")
    assert {id: r["v"] for id, r in chain.source().items()} == {
        id: r["v"] for id, r in before_all.items()
    }


@pytest.mark.parametrize(
    ("type_name", "before"),
    [
        ("numeric", ""),
        ("double precision", ""),
        ("interval", ""),
        ("public.citext", CITEXT),
        ("text COLLATE public.loose", LOOSE),
    ],
)
def test_an_id_of_which_one_image_may_take_the_place_of_another_stops_0003(
    type_name: str, before: str, new_database: NewDatabase
) -> None:
    columns = {"v": ("text", Conflict.LATEST)}
    chain = split(new_database, *([before] if before else []), id_type=type_name, columns=columns)
    with pytest.raises(CannotCarry, match='id column "id" has') as raised:
        chain.up("0003")
    assert "nothing has been changed" in str(raised.value)
    assert chain.portrait().find("narrow") is None


@pytest.mark.parametrize(
    ("type_name", "before"),
    [
        ("character(4)", ""),
        ('text COLLATE "C"', ""),
        ("bytea", ""),
        ("date", ""),
        ("boolean", ""),
        ("timestamptz", ""),
        ("uuid", ""),
        ("inet", ""),
        ("public.number", "CREATE DOMAIN public.number AS bigint"),
    ],
)
def test_an_id_whose_equal_values_are_identical_goes_all_the_way(
    type_name: str, before: str, new_database: NewDatabase
) -> None:
    values = {
        "bytea": "'x', 'y'",
        "date": "'2020-01-01', '2020-01-02'",
        "boolean": "'t', 'f'",
        "timestamptz": "'2020-01-01', '2020-01-02'",
        "uuid": f"'{'1' * 32}', '{'2' * 32}'",
        "inet": "'10.0.0.1', '10.0.0.1/24'",
    }.get(type_name, "'1', '2'").split(", ")
    columns = {"v": ("text", Conflict.LATEST)}
    chain = split(new_database, *([before] if before else []), id_type=type_name, columns=columns)
    for value in values:
        chain.run(f"INSERT INTO public.wide VALUES ({value}, 'k', 'v', 'c', '2020-01-01')")
    rows = chain.source()
    chain.up_to("0004")
    chain.run(f"DELETE FROM public.wide WHERE id = {values[0]}")
    chain.run(f"INSERT INTO public.narrow VALUES ({values[0]}, 'k', 'v', 'c', '2020-01-01')")
    assert found(chain) == []
    chain.up_to("0010", after="0004")
    chain.down_to("0002", before="0010")
    assert chain.source() == rows
