"""A table of other names and types, with three alternatives and a composite scope."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from membership_refactor.cli import duplicates
from membership_refactor.cli import merge_duplicates as merge_verb
from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.enrollment.add_constraints import add_constraints, drop_constraints
from membership_refactor.enrollment.merge import merge
from membership_refactor.enrollment.plan_from_catalog import plan_from_catalog
from membership_refactor.enrollment.refusals import refusals
from membership_refactor.environment import Request
from membership_refactor.errors import PortraitMismatch
from membership_refactor.models.refused_writes import IdentityTaken
from membership_refactor.planning import UniqueIdentity
from membership_refactor.testing.scratch_databases import Databases
from tests.enrollment.tables import opened, run
from tests.fixtures.databases import NewDatabase

SCHEMA = 'the "100 %" one'
TABLES = """
CREATE SCHEMA "the ""100 %"" one";
SET search_path = "the ""100 %"" one";
CREATE TABLE "guest list" (
  "the id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  badge integer,
  "e%mail" varchar(80),
  passport numeric,
  event integer NOT NULL,
  day date,
  note text
);
CREATE TABLE "meal $1" (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  guest uuid REFERENCES "guest list" ON DELETE CASCADE,
  course text,
  dish text,
  UNIQUE (guest, course)
);
CREATE TABLE locker (
  number integer PRIMARY KEY,
  guest uuid UNIQUE REFERENCES "guest list" ON DELETE CASCADE
)
"""
COLUMNS = ("badge", "e%mail", "passport")
OPTIONS = ["--table", "guest list", "--scope", "event", "--scope", "day"] + [
    part for column in COLUMNS for part in ("--identity", column)
]


def build(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(TABLES.encode())


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    url = new_database()
    build(url)
    with opened(url) as engine:
        yield engine


def plan_of(engine: Engine) -> UniqueIdentity:
    with engine.connect() as connection:
        return plan_from_catalog(
            connection, SCHEMA, "guest list", identities=COLUMNS, scope=("event", "day")
        )


def guest(engine: Engine, *values: object, event: int = 1, day: str | None = "2024-01-01") -> str:
    with engine.begin() as connection:
        ((made,),) = run(
            connection,
            'INSERT INTO "the ""100 %%"" one"."guest list"'
            ' (badge, "e%%mail", passport, event, day) VALUES (%s, %s, %s, %s, %s)'
            ' RETURNING "the id"::text',
            *values,
            event,
            day,
        )
    return str(made)


def ask(engine: Engine, text: str) -> list[tuple[Any, ...]]:
    with engine.begin() as connection:
        run(connection, 'SET LOCAL search_path = "the ""100 %"" one"')
        return run(connection, text)


def test_the_catalog_tells_what_a_plan_needs(engine: Engine) -> None:
    plan = plan_of(engine)
    assert plan.id == "the id"
    assert [a.text for a in plan.alternatives] == [False, True, False]
    meals = {d.table: d for d in plan.dependents}
    assert meals["meal $1"].unique == ("course",)
    assert meals["meal $1"].unite == ("dish",)
    assert meals["locker"].unique == ()


def test_three_alternatives_chain_into_one_component_and_merge(engine: Engine) -> None:
    first = guest(engine, 1, None, None)
    guest(engine, 1, "a@x", None)
    guest(engine, None, "a@x", "7.0")
    guest(engine, None, None, "7.00")
    apart = guest(engine, 1, "a@x", 7, event=2)
    undated = [guest(engine, 1, None, None, day=None) for _ in range(2)]
    ask(engine, f"INSERT INTO \"meal $1\" (guest, course, dish) VALUES ('{first}', 'soup', NULL)")
    ask(
        engine,
        'INSERT INTO "meal $1" (guest, course, dish)'
        " SELECT \"the id\", 'soup', 'leek' FROM \"guest list\" WHERE passport = 7 AND event = 1",
    )
    report = merge(engine, plan_of(engine), SCHEMA)
    assert (report.merged, report.removed) == (1, 3)
    assert ask(
        engine,
        'SELECT badge, "e%mail", passport FROM "guest list" WHERE event = 1 AND day IS NOT NULL',
    ) == [(1, "a@x", 7)]
    assert ask(engine, 'SELECT course, dish FROM "meal $1"') == [("soup", "leek")]
    left = {row[0] for row in ask(engine, 'SELECT "the id"::text FROM "guest list"')}
    assert {apart, *undated} < left


def test_two_lockers_of_one_guest_are_nothing_that_a_merge_may_decide(engine: Engine) -> None:
    for number in (1, 2):
        made = guest(engine, 5, None, None)
        ask(engine, f"INSERT INTO locker VALUES ({number}, '{made}')")
    # The locker has no column of its own, so one of them would simply be gone.
    report = merge(engine, plan_of(engine), SCHEMA)
    assert report.merged == 0
    assert "locker" in next(iter(report.left.values()))


def test_the_constraints_come_and_say_which_row_is_in_the_way(engine: Engine) -> None:
    plan = plan_of(engine)
    there = guest(engine, 1, "a, b", None)
    add_constraints(engine, plan, SCHEMA)
    with engine.connect() as connection:
        for values in ("1, NULL, NULL", "NULL, 'a, b', NULL"):
            with pytest.raises(IdentityTaken) as refused, refusals(connection, plan, schema=SCHEMA):
                run(
                    connection,
                    'INSERT INTO "the ""100 %"" one"."guest list"'
                    ' (badge, "e%mail", passport, event, day)'
                    f" VALUES ({values}, 1, '2024-01-01')",
                )
            assert refused.value.existing is not None
            assert str(refused.value.existing["the id"]) == there
    with pytest.raises(IntegrityError):
        guest(engine, None, None, None)
    drop_constraints(engine, plan, SCHEMA)
    guest(engine, 1, None, None)


def test_a_table_without_a_key_of_one_column_is_refused(engine: Engine) -> None:
    ask(engine, "CREATE TABLE bare (a integer, b integer)")
    with engine.connect() as connection, pytest.raises(PortraitMismatch, match="primary key"):
        plan_from_catalog(connection, SCHEMA, "bare", identities=("a",), scope=("b",))
    with engine.connect() as connection, pytest.raises(PortraitMismatch, match="no such columns"):
        plan_from_catalog(connection, SCHEMA, "guest list", identities=("nobody",), scope=())


def test_the_verbs_work_on_it(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    first = guest(engine, 1, None, None)
    second = guest(engine, 1, "a@x", None)
    context = context_of(engine)
    assert verb(duplicates, OPTIONS, context) == FINDINGS
    found = json.loads(capsys.readouterr().out)
    assert found["counts"] == {"mergeable": 1}
    assert {row["the id"] for row in found["findings"][0]["rows"]} == {first, second}

    assert verb(merge_verb, OPTIONS, context) == FINDINGS
    assert json.loads(capsys.readouterr().out)["applied"] is False
    assert len(ask(engine, 'SELECT FROM "guest list"')) == 2
    assert verb(merge_verb, ["--apply", *OPTIONS], context) == FINE
    done = json.loads(capsys.readouterr().out)
    assert (done["merged"], done["removed"]) == (1, 1)
    assert len(ask(engine, 'SELECT FROM "guest list"')) == 1
    assert verb(duplicates, OPTIONS, context) == FINE
    capsys.readouterr()
    assert verb(merge_verb, ["--undo", str(done["run"]), *OPTIONS], context) == FINE
    assert len(ask(engine, 'SELECT FROM "guest list"')) == 2


def context_of(engine: Engine) -> Context:
    request = Request(schema=SCHEMA)
    return Context(
        schema=SCHEMA,
        format="json",
        engine=lambda: engine,
        request=request,
        config=Config(),
    )


def verb(module: Any, arguments: list[str], context: Context) -> int:
    parser = argparse.ArgumentParser()
    module.configure(parser)
    return int(module.run(parser.parse_args(arguments), context))


guests = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(1, 3)),
        st.one_of(st.none(), st.sampled_from(["a", "b"])),
        st.one_of(st.none(), st.integers(1, 2)),
        st.integers(1, 2),
    ),
    max_size=9,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=guests)
def test_after_a_merge_only_contradictions_break_the_constraints(
    databases: Databases, rows: list[tuple[int | None, str | None, int | None, int]]
) -> None:
    with databases.temporary_copy_of("guest list", build) as url, opened(url) as engine:
        for row in rows:
            guest(engine, *row[:3], event=row[3])
        plan = plan_of(engine)
        facts = pairs(engine)
        report = merge(engine, plan, SCHEMA)
        assert facts <= pairs(engine)
        broken = ask(
            engine,
            " UNION ALL ".join(
                f'SELECT "{c}"::text FROM "guest list" WHERE "{c}" IS NOT NULL'
                f' GROUP BY "{c}", event HAVING count(*) > 1'
                for c in COLUMNS
            ),
        )
        assert bool(broken) == bool(report.left)


def pairs(engine: Engine) -> set[tuple[Any, ...]]:
    """Every identity, and every two of them that one row ties together."""
    return set(
        ask(
            engine,
            'SELECT event, badge::text, NULL FROM "guest list" WHERE badge IS NOT NULL'
            ' UNION SELECT event, badge::text, "e%mail" FROM "guest list"'
            ' WHERE badge IS NOT NULL AND "e%mail" IS NOT NULL'
            ' UNION SELECT event, passport::text, "e%mail" FROM "guest list"'
            ' WHERE passport IS NOT NULL AND "e%mail" IS NOT NULL',
        )
    )
