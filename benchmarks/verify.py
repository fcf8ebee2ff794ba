"""What verify costs beside the obvious statement that says the same: EXCEPT both ways.

python -m benchmarks.verify --rows 363000
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO

from benchmarks.measure import Cost, available, measured
from benchmarks.place import Connection, Place, place
from benchmarks.target import NAMES, target
from membership_refactor.execution.inspection import inspect
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Table
from membership_refactor.sql.grouping import grouped, parent_columns
from membership_refactor.sql.identifiers import columns as listed
from membership_refactor.sql.identifiers import ident
from membership_refactor.sql.identity import computed
from membership_refactor.steps import ALL

TARGET = 0.35
ROWS = 363_000
STAGES = ("0003", "0007", "0008", "0010")
MEMORY = "64MB"
"""The work_mem that the tool's own sessions have, for EXCEPT too."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The cost of verify at each stage beside its EXCEPT; the best of the repeats."""

    plain: Cost
    """EXCEPT at 0003 over the source's columns alone, which says nothing of the links."""
    obvious: dict[str, Cost]
    """EXCEPT both ways over all that verify compares at the stage."""
    stages: dict[str, Cost]

    def ratio(self, revision: str) -> float:
        """Server CPU of verify, as a part of that of EXCEPT."""
        return self.stages[revision].cpu / self.obvious[revision].cpu


def compare(where: Place, *, repeats: int = 3) -> Compared:
    """Takes a copy of the template through the chain and verifies on the way."""
    obvious: dict[str, Cost] = {}
    stages: dict[str, Cost] = {}
    with where.fresh() as database, where.connect(database, work_mem=MEMORY) as look:
        runner = Runner(
            where.engine(database),
            SPLIT,
            "public",
            steps=ALL,
            options=Options(accept_usage="benchmark", workers=2),
            progress=Progress(StringIO(), quiet=True),
        )
        child = target(where, database).child
        plain = Cost()
        for revision in sorted(ALL):
            runner.upgrade(revision)
            if revision not in STAGES:
                continue
            look.execute("VACUUM (ANALYZE)")  # autovacuum, which is off here, would have come
            if revision == "0003":
                plain = min(_excepted(where, look, repeats, (_source_and_copy(),)), key=_cpu)
            sides = _sides(revision, child)
            obvious[revision] = min(_excepted(where, look, repeats, sides), key=_cpu)
            stages[revision] = min(_verified(where, look, runner, repeats), key=_cpu)
    return Compared(plain, obvious, stages)


def _cpu(cost: Cost) -> float:
    return cost.cpu


Sides = tuple[str, str]


def _source_and_copy(*, link: bool = False) -> Sides:
    columns = listed(SPLIT.source_columns, "a.")
    of_key, stored = (f", {computed(SPLIT, NAMES, 'a', 'link')}", f", a.{SPLIT.link}")
    return (
        f"SELECT {columns}{of_key if link else ''} FROM {NAMES.source} AS a",
        f"SELECT {columns}{stored if link else ''} FROM {NAMES.copy} AS a",
    )


def _sides(revision: str, child: Table) -> tuple[Sides, ...]:
    """Pairs of queries that return the same rows; together they say what verify says there."""
    link = ident(SPLIT.link)
    if revision == "0003":
        return (_source_and_copy(link=True),)
    links = f"SELECT c.id, c.{link} FROM {NAMES.copy} AS c"
    if revision == "0007":
        of_keys = f"SELECT c.id, {computed(SPLIT, NAMES, 'c', 'link')} FROM {NAMES.copy} AS c"
        values = listed([c.name for c in parent_columns(SPLIT, child) if c.name != SPLIT.changed])
        return (
            (links, of_keys),
            (
                f"SELECT {link}, {values} FROM ({grouped(SPLIT, NAMES.copy, 'true')}) AS g",
                f"SELECT {ident(SPLIT.parent_id)}, {values} FROM {NAMES.parent}",
            ),
        )
    joined = f"{NAMES.copy} AS c JOIN {NAMES.parent} AS p ON p.{ident(SPLIT.parent_id)} = c.{link}"
    if revision == "0008":
        return (
            (
                f"SELECT c.id, {listed(SPLIT.deprecated, 'c.')} FROM {NAMES.copy} AS c",
                f"SELECT c.id, {listed(SPLIT.deprecated, 'p.')} FROM {joined}",
            ),
            (
                f"SELECT c.{link} FROM {NAMES.copy} AS c",
                f"SELECT p.{ident(SPLIT.parent_id)} FROM {NAMES.parent} AS p",
            ),
        )
    return ((links, f"SELECT c.id, c.{link} FROM {joined}"),)


def _excepted(
    where: Place, look: Connection, repeats: int, pairs: Iterable[Sides]
) -> Iterator[Cost]:
    queries = [f"({one} EXCEPT {other}) UNION ALL ({other} EXCEPT {one})" for one, other in pairs]
    for _ in range(repeats):
        with measured(look, where.postmaster) as cost:
            found = [look.execute(query.encode()).fetchall() for query in queries]
        assert not any(found)
        yield cost


def _verified(where: Place, look: Connection, runner: Runner, repeats: int) -> Iterator[Cost]:
    for _ in range(repeats):
        with measured(look, where.postmaster) as cost:
            inspected = inspect(runner)
        assert inspected.count == 0
        yield cost


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verify", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if not available():
        print("CPU times are read from /proc, which this system does not have.", file=sys.stderr)
        return 2
    with place(options.rows) as where:
        found = compare(where, repeats=options.repeats)
    plain = found.plain
    print(f"EXCEPT both ways at 0003 without the link: {plain.cpu:.2f} CPU s, {plain.wall:.1f} s")
    for revision, cost in found.stages.items():
        obvious = found.obvious[revision]
        print(
            f"{revision}: EXCEPT {obvious.cpu:.2f} CPU s, {obvious.wall:.1f} s; "
            f"verify {cost.cpu:.2f} CPU s, {cost.wall:.1f} s; ratio {found.ratio(revision):.2f}"
        )
    return 0 if all(found.ratio(revision) <= TARGET for revision in STAGES) else 1


if __name__ == "__main__":
    sys.exit(main())
