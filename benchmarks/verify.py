"""What verify costs beside the obvious statement that says the same: EXCEPT both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from benchmarks.chain import runner_of
from benchmarks.measure import Cost, measured
from benchmarks.place import TOOL_SESSION, Connection, Place
from benchmarks.target import NAMES, target
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Table
from membership_refactor.sql.parents.grouping import grouped, parent_columns
from membership_refactor.sql.parents.parent_uuid import computed
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from tests.fixtures.steps import IDS, step_of

STAGES = ("0003", "0007", "0008", "0010")


@dataclass(frozen=True, slots=True)
class Compared:
    """The cost of verify at each stage beside its EXCEPT; the best of the repeats."""

    rows: int
    plain: Cost
    """EXCEPT at 0003 over the source's columns alone, which says nothing of the links."""
    obvious: dict[str, Cost] = field(default_factory=dict)
    """EXCEPT both ways over all that verify compares at the stage."""
    stages: dict[str, Cost] = field(default_factory=dict)

    def ratio(self, revision: str) -> float | None:
        """Server CPU of verify, as a part of that of EXCEPT; None where that is not to be seen."""
        obvious = self.obvious[revision].cpu
        return self.stages[revision].cpu / obvious if obvious else None


def compare(where: Place, *, repeats: int) -> Compared:
    """Takes a copy of the template through the chain and verifies on the way."""
    obvious: dict[str, Cost] = {}
    stages: dict[str, Cost] = {}
    with where.fresh() as database, where.connect(database, **TOOL_SESSION) as look:
        runner = runner_of(where, database, workers=2, checks=True)
        child = target(where, database).child
        plain = Cost()
        for revision in IDS:
            runner.upgrade(step_of(revision))
            if revision not in STAGES:
                continue
            look.execute("VACUUM (ANALYZE)")  # autovacuum, which is off here, would have come
            if revision == "0003":
                plain = min(_excepted(where, look, repeats, (_source_and_copy(),)), key=_cpu)
            sides = _sides(revision, child)
            obvious[revision] = min(_excepted(where, look, repeats, sides), key=_cpu)
            stages[revision] = min(_verified(where, look, runner, repeats), key=_cpu)
    return Compared(where.rows, plain, obvious, stages)


def _cpu(cost: Cost) -> float:
    return cost.cpu


Sides = tuple[str, str]


def _source_and_copy(*, link: bool = False) -> Sides:
    columns = listed(SPLIT.source_columns, "a.")
    of_key, stored = (f", {computed(NAMES, 'a', 'link')}", f", a.{SPLIT.link}")
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
        of_keys = f"SELECT c.id, {computed(NAMES, 'c', 'link')} FROM {NAMES.copy} AS c"
        values = listed([c.name for c in parent_columns(SPLIT, child) if c.name != SPLIT.changed])
        return (
            (links, of_keys),
            (
                f"SELECT {link}, {values} FROM ({grouped(NAMES, child, 'true')}) AS g",
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
            verified = verify_all(runner)
        assert verified.count == 0
        yield cost
