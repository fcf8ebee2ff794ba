"""The tests of a plan that `pytest --refactor` runs: their names, and what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import psycopg

from membership_refactor.database import libpq_url
from membership_refactor.environment import Request
from membership_refactor.execution.progress import Progress
from membership_refactor.rehearsal import Subject, Wanted, rehearse, report
from membership_refactor.rehearsal.documented import Where, styles_at
from membership_refactor.testing.interruptions import run_interrupted
from membership_refactor.testing.plan_chain import PlanChain
from membership_refactor.testing.scratch_databases import Databases
from membership_refactor.testing.snapshots import (
    Snapshot,
    changes,
    without_archive,
    without_refilled,
)
from membership_refactor.testing.stored_scripts import StoredScripts


class Differs(AssertionError):
    """The tables of a plan are not as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTest:
    """One test of a plan: its name, and what it does with the databases of the run."""

    name: str
    run: Callable[[Databases], None]


def tests_of(
    chain: PlanChain,
    rehearsal_url: str | None = None,
    scripts: StoredScripts | None = None,
    *,
    stores: bool = False,
) -> Iterator[PlanTest]:
    """Every test of the plan, lowest revision first.

    A rehearsal too where a database is named. ``scripts`` are compared where the project stores
    some; with ``stores`` they are written instead.
    """
    places = chain.places
    yield PlanTest(name="the rows are made", run=partial(_rows, chain))
    for number in range(1, len(places)):
        yield PlanTest(
            name=f"up, down and up: {places[number]}",
            run=partial(_there_and_back, chain, number),
        )
        yield PlanTest(
            name=f"interrupted at each action: {places[number]}",
            run=partial(_interrupted, chain, number),
        )
        yield PlanTest(
            name=f"written to by old and new applications: {places[number]}",
            run=partial(_written, chain, number),
        )
        if scripts is not None:
            yield PlanTest(
                name=f"the stored script is today's: {places[number]}",
                run=partial(_stored, scripts, number, stores),
            )
    if len(places) > 1:
        yield PlanTest(
            name="up, down and up: the whole plan",
            run=partial(_whole_way, chain),
        )
    if rehearsal_url is not None and len(places) > 1:
        yield PlanTest(
            name="rehearsal on a clone of the database",
            run=lambda _: _rehearsed(chain, rehearsal_url),
        )


def _stored(scripts: StoredScripts, number: int, stores: bool, databases: Databases) -> None:
    """The script that the project stores is what Alembic prints; or it is stored now."""
    if stores:
        scripts.store(number, databases)
    scripts.compare(number)
    found = scripts.left_over()
    _require_nothing(map(str, found), "These stored scripts are of no revision; remove them")


def _rehearsed(chain: PlanChain, url: str) -> None:
    """A rehearsal on a clone of that database finds nothing."""
    subject = Subject(
        url=url, plan=chain.plan, request=Request(schema=chain.schema), config=chain.config
    )
    # The project may have the revisions of the first steps only.
    last = chain.places[-1].steps[-1]
    done = rehearse(subject, Wanted(rows=1000, to=last, progress=Progress(quiet=True)))
    if not done.fine:
        raise Differs(report.as_text(done))


def _rows(chain: PlanChain, databases: Databases) -> None:
    """The table takes rows of every kind."""
    with chain.database(databases, chain.places[0]):
        missing = {
            kind: why for kind, why in chain.made.refused.items() if kind not in chain.made.rows
        }
    if missing:
        said = "\n".join(f"  {kind}: {why}" for kind, why in missing.items())
        raise Differs(
            f'the table "{chain.plan.source}" takes no rows of these kinds:\n{said}\n'
            f"Write a file of SQL that fills it: {chain.plan.name}.sql in the folder "
            "refactor_folder of pytest's settings (tests/refactor)."
        )


def _there_and_back(chain: PlanChain, number: int, databases: Databases) -> None:
    """The revision goes up, down and up, each time to the same rows, uuids and structure."""
    place, below = chain.places[number], chain.places[number - 1]
    with chain.database(databases, below) as url:
        first = without_refilled(chain.snapshot(url), chain.plan, place.steps)
        chain.up(url, place)
        top = chain.snapshot(url)
        chain.down(url, place)
        back = without_refilled(chain.snapshot(url), chain.plan, place.steps)
        _require_equal(chain, first, back, f"after {place} went up and down")
        chain.up(url, place)
        _require_equal(chain, top, chain.snapshot(url), f"after {place} went up again")


def _interrupted(chain: PlanChain, number: int, databases: Databases) -> None:
    """A run that ends at each action and goes on comes to the same as one that does not end."""
    place, below = chain.places[number], chain.places[number - 1]
    with chain.database(databases, place) as url:
        top = chain.snapshot(url)
        chain.down(url, place)
        bottom = chain.snapshot(url)
    with chain.database(databases, below) as url:
        ended = run_interrupted(url, lambda engine: chain.up(url, place, engine))
        _require_equal(chain, top, chain.snapshot(url), f"after {ended} interruptions of {place}")
        back = run_interrupted(url, lambda engine: chain.down(url, place, engine))
        now = chain.snapshot(url)
        _require_equal(chain, bottom, now, f"after {back} interruptions on the way down")
    if not ended or not back:
        raise Differs(f"{place} could not be interrupted: it has no action.")


def _written(chain: PlanChain, number: int, databases: Databases) -> None:
    """What applications write at this place is on both sides, and lives through down and up."""
    place, plan = chain.places[number], chain.plan
    step = place.steps[-1]
    writers = chain.writers(databases)
    with chain.database(databases, place) as url:
        with psycopg.connect(libpq_url(url), autocommit=True) as pg:
            for table, style in styles_at(plan, step):
                where = Where(step=step, table=table, style=style)
                refused = tuple(writers.write(pg, where))
                _require_nothing(refused, f"{style} on the {table} are refused after {place}")
        _require_nothing(chain.broken(url), f"Checks do not hold after {place}")
        written = without_archive(chain.snapshot(url), plan, step)
        for below in range(number, 0, -1):
            chain.down(url, chain.places[below])
        for again in range(1, number + 1):
            chain.up(url, chain.places[again])
        now = without_archive(chain.snapshot(url), plan, step)
        _require_equal(chain, written, now, f"after {place} was written to, went down and up")


def _require_nothing(found: Iterable[str], what: str) -> None:
    if lines := "\n".join(f"  {line}" for line in found):
        raise Differs(f"{what}:\n{lines}")


def _whole_way(chain: PlanChain, databases: Databases) -> None:
    """All revisions go up, down and up, and each place holds the same both times."""
    above = chain.places[1:]
    with chain.database(databases, chain.places[0]) as url:
        seen = [chain.snapshot(url)]
        for place in above:
            chain.up(url, place)
            seen.append(chain.snapshot(url))
        for number in range(len(above), 0, -1):
            chain.down(url, chain.places[number])
        _require_equal(chain, seen[0], chain.snapshot(url), "after the way up and down")
        for number, place in enumerate(above, start=1):
            chain.up(url, place)
            now = chain.snapshot(url)
            _require_equal(chain, seen[number], now, f"after {place} went up again")


def _require_equal(chain: PlanChain, before: Snapshot, now: Snapshot, when: str) -> None:
    if found := tuple(changes(before, now, chain.plan)):
        listed = "\n".join(f"  {line}" for line in found)
        raise Differs(f'plan "{chain.plan.name}" differs {when}:\n{listed}')
