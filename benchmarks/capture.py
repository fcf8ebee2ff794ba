"""What capture costs a writer, beside no capture and an application that writes both tables.

Server CPU of the writer's own backend; a client on a socket, prepared statements, one
transaction a statement (with the application: two statements in one), commits asynchronous so
that the disk is not measured. The variants take turns every few statements, each in a database of
its own: whatever else the machine does, it does to all of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
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
TIMES = {SINGLE: 600, MASS: 6, HUGE: 1}
"""Statements of each size that each variant runs in one round."""
TURN = 20
"""Single rows that one variant writes before it is the turn of the next."""
WARM = {SINGLE: 20, MASS: 1, HUGE: 1}
KINDS = ("INSERT", "UPDATE", "DELETE")
ROUNDS = 5
STAGING = "public.bench_staging"

Figures = dict[str, float]
"""By ``KIND rows``: milliseconds of server CPU a statement."""
Inputs = dict[str, list[dict[str, Any]]]
"""By kind: the values of each statement."""


@dataclass(frozen=True, slots=True)
class _Statement:
    """One statement for each table that the writer writes."""

    texts: tuple[str, ...]

    def run(self, connection: Connection, values: dict[str, Any]) -> None:
        with connection.transaction():
            for text in self.texts:
                connection.execute(_constant(text), values, prepare=True)


@dataclass(slots=True)
class Capture:
    """The figures of each variant, a round after the other; the n-th of all were made together."""

    rounds: dict[str, list[Figures]]

    def __bool__(self) -> bool:
        return any(self.rounds.values())

    def medians(self) -> dict[str, Figures]:
        """Of each figure, the median of the rounds."""
        return {
            variant: {key: median(figures[key] for figures in made) for key in made[0]}
            for variant, made in self.rounds.items()
            if made
        }

    def ratio(self, key: str, variant: str, over: str) -> float:
        """How many times what ``over`` costs, round by round; the median."""
        pairs = zip(self.rounds[variant], self.rounds[over], strict=True)
        return median(one[key] / other[key] for one, other in pairs)

    def share(self, key: str) -> float | None:
        """What the change log adds, as a part of what the second statement of the application
        adds. None where a busy machine swallows that."""
        rounds = zip(*(self.rounds[v] for v in ("none", "log", "application")), strict=True)
        shares = [
            (log[key] - none[key]) / (both[key] - none[key])
            for none, log, both in rounds
            if both[key] > none[key]
        ]
        return median(shares) if shares else None


def measure(
    place: Place, *, rounds: int, say: Callable[[str], None], scale: float = 1.0
) -> Capture:
    """Every variant in each of the rounds. ``scale`` is a factor of the number of statements."""
    _templates(place)
    chance = random.Random(7)
    with ExitStack() as opened:
        writers = {v: opened.enter_context(_prepared(place, v)) for v in VARIANTS}
        made = Capture({variant: [] for variant in VARIANTS})
        offset = 10_000_000
        for number in range(rounds + 1):
            # The first is not counted: it warms caches and makes the plans.
            say(f"capture, round {number}" if number else "capture, to warm up")
            found: dict[str, Figures] = {variant: {} for variant in VARIANTS}
            for wanted, full in (TIMES if number else WARM).items():
                size, times = min(wanted, place.rows // 4), max(int(full * scale), 1)
                inputs = _inputs(chance, size, times, offset, place.rows)
                offset += (times + 1) * HUGE
                for kind in KINDS:
                    spent = _in_turns(writers, kind, inputs[kind], chance, single=size == SINGLE)
                    for variant, seconds in spent.items():
                        found[variant][f"{kind} {size}"] = median(seconds) * 1000
            for variant, writer in writers.items():
                writer.execute("VACUUM")  # autovacuum, which is off here, would have come
                if number:
                    made.rounds[variant].append(found[variant])
    return made


def _templates(place: Place) -> None:
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


@contextmanager
def _prepared(place: Place, variant: str) -> Iterator[Connection]:
    """The writer of one variant, in a database of its own."""
    template = "one_way" if variant == "one way" else "two_ways"
    with place.fresh(f"capture_{variant.replace(' ', '_')}", template) as database:
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
            yield writer


def _inputs(chance: random.Random, size: int, times: int, offset: int, rows: int) -> Inputs:
    """The same for every variant. What is deleted is what was inserted."""
    firsts = [chance.randrange(1, rows - size) for _ in range(times)]
    starts = [offset + n * HUGE for n in range(times)]
    labels = [f"r{chance.randrange(10**6)}" for _ in firsts]
    # Single rows come from all over the staged ones.
    places = [n % min(HUGE, rows) if size == SINGLE else 0 for n in range(times)]
    return {
        "INSERT": [
            {"lo": place + 1, "size": size, "to": start}
            for place, start in zip(places, starts, strict=True)
        ],
        "UPDATE": [
            {"lo": first, "size": size, "to": 0, "reason": label}
            for first, label in zip(firsts, labels, strict=True)
        ],
        "DELETE": [
            {"lo": start + place + 1, "size": size, "to": start}
            for place, start in zip(places, starts, strict=True)
        ],
    }


def _in_turns(
    writers: Mapping[str, Connection],
    kind: str,
    runs: list[dict[str, Any]],
    chance: random.Random,
    *,
    single: bool,
) -> dict[str, list[float]]:
    """Seconds of server CPU a statement, of each variant, turn by turn.

    Whoever is interrupted finds its caches cold, which doubles a turn of single rows on a busy
    machine. A median of turns hardly shows it.
    """
    spent: dict[str, list[float]] = {variant: [] for variant in writers}
    turn = TURN if single else 1
    for first in range(0, len(runs), turn):
        order = list(writers)
        chance.shuffle(order)
        for variant in order:
            writer = writers[variant]
            both = variant == "application"
            tables = (NAMES.source, NAMES.copy) if both else (NAMES.source,)
            statement = _statement(kind, tables, single=single)
            before, part = process_cpu(writer.info.backend_pid), runs[first : first + turn]
            for values in part:
                statement.run(writer, values)
            spent[variant].append((process_cpu(writer.info.backend_pid) - before) / len(part))
    return spent


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


def _constant(text: str) -> LiteralString:
    return text
