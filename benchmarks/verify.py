"""What verify costs beside the obvious statement that says the same: EXCEPT both ways.

python -m benchmarks.verify --rows 363000
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from benchmarks.measure import Cost, available, measured
from benchmarks.place import Connection, Place, place
from membership_refactor.execution.inspection import inspect
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.identity import computed
from membership_refactor.sql.names import Names
from membership_refactor.steps import ALL

TARGET = 0.35
ROWS = 363_000
STAGES = ("0003", "0007", "0008", "0010")
MEMORY = "64MB"
"""The work_mem that the tool's own sessions have, for EXCEPT too."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The cost of verify at each stage, and of EXCEPT both ways at 0003; best of the repeats."""

    plain: Cost
    """The source's columns alone, which says nothing of the links."""
    baseline: Cost
    """With the link, which verify compares too."""
    stages: dict[str, Cost]

    def ratio(self, revision: str) -> float:
        """Server CPU of verify, as a part of the baseline's."""
        return self.stages[revision].cpu / self.baseline.cpu


def compare(where: Place, *, repeats: int = 3) -> Compared:
    """Takes a copy of the template through the chain and verifies on the way."""
    stages: dict[str, Cost] = {}
    plain = baseline = Cost()
    with where.fresh() as database, where.connect(database, work_mem=MEMORY) as look:
        runner = Runner(
            where.engine(database),
            SPLIT,
            "public",
            steps=ALL,
            options=Options(accept_usage="benchmark", workers=2),
            progress=Progress(StringIO(), quiet=True),
        )
        for revision in sorted(ALL):
            runner.upgrade(revision)
            if revision not in STAGES:
                continue
            look.execute("VACUUM (ANALYZE)")  # autovacuum, which is off here, would have come
            if revision == "0003":
                plain = min(_excepted(where, look, repeats), key=_cpu)
                baseline = min(_excepted(where, look, repeats, link=True), key=_cpu)
            stages[revision] = min(_verified(where, look, runner, repeats), key=_cpu)
    return Compared(plain, baseline, stages)


def _cpu(cost: Cost) -> float:
    return cost.cpu


def _excepted(
    where: Place, look: Connection, repeats: int, *, link: bool = False
) -> Iterator[Cost]:
    columns = ", ".join(f'a."{c}"' for c in SPLIT.source_columns)
    names = Names(SPLIT, "public")
    ours, theirs = (f", {computed(SPLIT, names, 'a', 'link')}", f", a.{SPLIT.link}")
    one = f"SELECT {columns}{ours if link else ''} FROM {names.source} AS a"
    other = f"SELECT {columns}{theirs if link else ''} FROM {names.copy} AS a"
    query = f"({one} EXCEPT {other}) UNION ALL ({other} EXCEPT {one})"
    for _ in range(repeats):
        with measured(look, where.postmaster) as cost:
            found = look.execute(query.encode()).fetchall()
        assert found == []
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
    for what, cost in (("columns", found.plain), ("columns and link", found.baseline)):
        print(f"EXCEPT both ways at 0003, {what}: {cost.cpu:.2f} CPU s, {cost.wall:.1f} s")
    for revision, cost in found.stages.items():
        ratio = found.ratio(revision)
        print(f"verify at {revision}: {cost.cpu:.2f} CPU s, {cost.wall:.1f} s, ratio {ratio:.2f}")
    return 0 if found.ratio("0003") <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
