"""What capture costs a writer, beside no capture and an application that writes both tables.

Server CPU of the writer's own backend; a client on a socket, prepared statements, one
transaction a statement (with the application: two statements in one), commits asynchronous so
that the disk is not measured.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, LiteralString

from benchmarks.chain import run_chain
from benchmarks.measure import process_cpu
from benchmarks.place import Connection, Place
from benchmarks.target import NAMES, target
from membership_refactor.demo.rows import COLUMNS
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.build.builds_of_plan import build_of_copy
from membership_refactor.sql.parents.parent_uuid import computed
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.trigger_statements import install_triggers

VARIANTS = ("none", "application", "log", "one way", "two ways")
SINGLE, MASS, HUGE = 1, 1_000, 50_000
TIMES = {SINGLE: 1_000, MASS: 12, HUGE: 2}
KINDS = ("INSERT", "UPDATE", "DELETE")
STAGING = "public.bench_staging"

Figures = dict[str, float]
"""By ``KIND rows``: milliseconds of server CPU a statement."""


@dataclass(frozen=True, slots=True)
class _Statement:
    """One statement for each table that the writer writes."""

    texts: tuple[str, ...]

    def run(self, connection: Connection, values: dict[str, Any]) -> None:
        with connection.transaction():
            for text in self.texts:
                connection.execute(_constant(text), values, prepare=True)


def templates(place: Place) -> None:
    """Databases ``one_way`` and ``two_ways`` as 0003 and 0004 leave them, vacuumed."""
    with place.connect("postgres") as admin:
        for name, to in (("one_way", "0003"), ("two_ways", "0004")):
            admin.execute(_constant(f"CREATE DATABASE {name} TEMPLATE legacy"))
            run_chain(place, name, to=to, workers=1, checks=False)
            with place.connect(name) as connection:
                connection.execute(
                    _constant(
                        f"CREATE TABLE {STAGING} AS SELECT * FROM {NAMES.source} "
                        f"ORDER BY id LIMIT {HUGE}"
                    )
                )
                connection.execute(_constant(f"ALTER TABLE {STAGING} ADD PRIMARY KEY (id)"))
                connection.execute("VACUUM (ANALYZE)")


def measure_variant(place: Place, variant: str, *, scale: float = 1.0) -> Figures:
    """The figures of one variant in a database of its own."""
    template = "one_way" if variant == "one way" else "two_ways"
    with place.fresh("capture", template) as database:
        wanted = target(place, database)
        with place.connect(database) as connection:
            if variant in ("none", "application", "log"):
                for table in (NAMES.source, NAMES.copy):
                    connection.execute(_constant(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            if variant == "log":
                log = build_of_copy(NAMES, wanted.source).log
                for statement in (
                    *log.table_statements(),
                    *log.function_statements(),
                    *install_triggers(log.triggers()),
                ):
                    connection.execute(statement.text.encode())
        with place.connect(database, synchronous_commit="off") as writer:
            return _figures(writer, variant == "application", place.rows, scale)


def _figures(writer: Connection, both: bool, rows: int, scale: float) -> Figures:
    tables = (NAMES.source, NAMES.copy) if both else (NAMES.source,)
    chance = random.Random(1)
    made: Figures = {}
    offset = 10_000_000
    for wanted, full in TIMES.items():
        size, times = min(wanted, rows // 4), max(int(full * scale), 1)
        warm = 20 if size == SINGLE else 1
        firsts = [chance.randrange(1, rows - size) for _ in range(warm + times)]
        starts = [offset + n * HUGE for n in range(warm + times)]
        offset = starts[-1] + HUGE
        labels = [f"r{chance.randrange(10**6)}" for _ in firsts]
        inputs: dict[str, list[dict[str, Any]]] = {
            "INSERT": [
                {"lo": (n % HUGE if size == SINGLE else 0) + 1, "size": size, "to": start}
                for n, start in enumerate(starts)
            ],
            "UPDATE": [
                {"lo": first, "size": size, "to": 0, "reason": label}
                for first, label in zip(firsts, labels, strict=True)
            ],
            "DELETE": [{"lo": start + 1, "size": size, "to": start} for start in starts],
        }
        for kind in KINDS:
            statement = _statement(kind, tables, single=size == SINGLE)
            runs = inputs[kind]
            if kind == "DELETE" and size == SINGLE:
                runs = [
                    {**values, "lo": values["to"] + n % HUGE + 1} for n, values in enumerate(runs)
                ]
            for values in runs[:warm]:
                statement.run(writer, values)
            before = process_cpu(writer.info.backend_pid)
            for values in runs[warm:]:
                statement.run(writer, values)
            spent = process_cpu(writer.info.backend_pid) - before
            made[f"{kind} {size}"] = spent * 1000 / times
    return made


def _statement(kind: str, tables: tuple[str, ...], *, single: bool) -> _Statement:
    where = "= %(lo)s" if single else "BETWEEN %(lo)s AND %(lo)s + %(size)s - 1"
    names = ["id", *COLUMNS]
    texts: list[str] = []
    for table in tables:
        if kind == "UPDATE":
            texts.append(
                f"UPDATE {table} SET leaving_reason = %(reason)s, amended_date = now() "
                f"WHERE id {where}"
            )
        elif kind == "DELETE":
            texts.append(f"DELETE FROM {table} WHERE id {where}")
        else:
            linked = table == NAMES.copy
            # Whoever writes the copy himself has to give it its link.
            more, link = (f", {SPLIT.link}", f", {computed(NAMES, 's')}") if linked else ("", "")
            texts.append(
                f"INSERT INTO {table} ({listed(names)}{more}) "
                f"SELECT s.id + %(to)s, {listed(COLUMNS, 's.')}{link} "
                f"FROM {STAGING} AS s WHERE s.id {where}"
            )
    return _Statement(tuple(texts))


def measure_all(
    place: Place, *, repeats: int, say: Callable[[str], None], scale: float = 1.0
) -> dict[str, list[Figures]]:
    """Every variant, shuffled within each repeat."""
    templates(place)
    chance = random.Random(7)
    found: dict[str, list[Figures]] = {variant: [] for variant in VARIANTS}
    for repeat in range(repeats):
        order = list(VARIANTS)
        chance.shuffle(order)
        for variant in order:
            say(f"capture, repeat {repeat + 1}: {variant}")
            found[variant].append(measure_variant(place, variant, scale=scale))
    return found


def _constant(text: str) -> LiteralString:
    return text
