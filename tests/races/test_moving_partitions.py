"""Writes into a partition, and rows that move to another one, in every order around every action.

The primary key is (curriculum, id), and both decide about the partition: a row moves with the id
that it has, or with another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.fixtures.databases import TemplateDatabase
from tests.races.actions import CLOSE, COPY, HAND_BACK, HAND_OVER, OPEN, PARENTS, Moment
from tests.races.pilot import Pilot
from tests.races.race import OnStage, Timing, every_order, fly
from tests.races.tables import COMPOSITE, RENAME, SOURCE, TABLES, assert_parents, query, wrong_links
from tests.races.tables import COPY as THE_COPY
from tests.races.tables import apart as rows_apart
from tests.races.writes import OF_PARTITIONS, WRITES

NAMED = replace(RENAME, id=COMPOSITE.id)


def _of_range(name: str, of: str) -> str:
    bounds = {"low": "MINVALUE) TO (200", "mid": "200) TO (400"}
    made = "".join(
        f"CREATE TABLE s.{name}_{part} PARTITION OF s.{of} FOR VALUES FROM ({bound});\n"
        for part, bound in bounds.items()
    )
    return f"{made}CREATE TABLE s.{name}_rest PARTITION OF s.{of} DEFAULT;\n"


def _of_hash(by: str = "") -> str:
    return "".join(
        f"CREATE TABLE s.wide_{n} PARTITION OF s.wide FOR VALUES WITH (modulus 3, remainder {n})"
        f"{by};\n"
        for n in range(3)
    )


SHAPES = {
    "hash": ("HASH (curriculum)", _of_hash()),
    "range": ("RANGE (curriculum)", _of_range("wide", "wide")),
    "list": (
        "LIST (curriculum)",
        "CREATE TABLE s.wide_low PARTITION OF s.wide FOR VALUES IN "
        f"({', '.join(map(str, range(300)))});\n"
        "CREATE TABLE s.wide_rest PARTITION OF s.wide DEFAULT;\n",
    ),
    "levels": (
        "HASH (id)",
        _of_hash(" PARTITION BY RANGE (curriculum)")
        + "".join(_of_range(f"wide_{n}", f"wide_{n}") for n in range(3)),
    ),
}


def tables(shape: str) -> str:
    by, partitions = SHAPES[shape]
    return (
        TABLES.replace("UNIQUE DEFERRABLE", "")
        .replace("CONSTRAINT uq_wide_badge", "")
        .replace(" CONSTRAINT pk_wide PRIMARY KEY", "")
        .replace(
            "ON DELETE SET NULL);",
            "ON DELETE SET NULL, CONSTRAINT pk_wide PRIMARY KEY (curriculum, id))\n"
            f"PARTITION BY {by};\n{partitions}",
        )
    )


def built(url: str, plan: Any, shape: str, *revisions: str) -> None:
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(tables(shape).encode())
    with Pilot(url, plan=plan) as pilot:
        pilot.upgrade(*revisions)


def at(template_database: TemplateDatabase, kind: str, shape: str, *revisions: str) -> str:
    name = f"races of moves, {kind}, {shape}, at {revisions[-1] if revisions else 'the start'}"
    return template_database(name, lambda url: built(url, PLANS[kind], shape, *revisions))


PLANS = {"rename": NAMED, "split": COMPOSITE}


ALL = {
    "moves": OF_PARTITIONS,
    "writes": tuple(w for w in WRITES if "on conflict" not in w.name and "unique" not in w.name),
}


def orders(moments: Sequence[Moment], *shapes: str, everyday: str = "") -> Sequence[Any]:
    """Each shape with each moment in each order, at a level of its own, and the switches at every
    level; moves over two levels of partitions at every one. A plain run takes of these the moment
    ``everyday``."""
    return [
        pytest.param(
            shape,
            writes,
            *case.values,
            id=f"{shape}, {writes}, {case.id}",
            marks=case.marks if whole and case.values[0].name == everyday else pytest.mark.slow,
        )
        for shape in shapes
        for writes in (ALL if shape == "levels" else ("moves",))
        for case in every_order(moments)
        for whole in ((shape, writes) == ("levels", "moves"),)
        if whole or not case.marks
    ]


ORDER = "shape, writes, moment, timing, isolation"


def assert_alike(url: str) -> None:
    assert query(url, rows_apart(SOURCE, THE_COPY)) == []


@pytest.mark.parametrize(ORDER, orders((*COPY, OPEN, CLOSE), *SHAPES, everyday="switch"))
def test_no_write_is_lost_while_the_copy_is_made_and_opened(
    shape: str,
    writes: str,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    stand = () if moment in COPY else ("0003",) if moment is OPEN else ("0003", "0004")
    url = at(template_database, "rename", shape, *stand)
    with Pilot(url, plan=NAMED) as pilot:
        fly(
            pilot,
            on_stage(url),
            moment,
            timing,
            isolation,
            ALL[writes],
            table=SOURCE,
            sound=assert_alike,
        )


@pytest.mark.parametrize(ORDER, orders((OPEN, HAND_OVER, *HAND_BACK), "list", "levels"))
def test_no_write_to_the_copy_is_lost_while_the_tables_change_places(
    shape: str,
    writes: str,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    stand = {OPEN: ("0003",), HAND_OVER: ("0003", "0004")}.get(moment, ("0003", "0004", "0005"))
    url = at(template_database, "rename", shape, *stand)
    also = ("55000",) if moment is OPEN else ()
    with Pilot(url, plan=NAMED) as pilot:
        fly(pilot, on_stage(url), moment, timing, isolation, ALL[writes], table=THE_COPY, also=also,
            sound=None)  # fmt: skip
        if moment is HAND_OVER:
            pilot.downgrade("0005")
    assert_alike(url)


@pytest.mark.parametrize(ORDER, orders(PARENTS, "range", "levels"))
def test_no_write_to_the_child_is_lost_while_its_parents_are_made(
    shape: str,
    writes: str,
    moment: Moment,
    timing: Timing,
    isolation: str,
    template_database: TemplateDatabase,
    on_stage: OnStage,
) -> None:
    before = ("0003", "0004", "0005", *(("0006",) if moment.revision == "0007" else ()))
    if moment.down:
        before = (*before, "0007")
    url = at(template_database, "split", shape, *before)
    with Pilot(url, plan=COMPOSITE) as pilot:
        fly(
            pilot, on_stage(url), moment, timing, isolation, ALL[writes], table=THE_COPY, sound=None
        )
        if moment.revision == "0006" or moment.down:
            pilot.upgrade("0007")
    assert query(url, wrong_links(THE_COPY)) == []
    assert_parents(url)
