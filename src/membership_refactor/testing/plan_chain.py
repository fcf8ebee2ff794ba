"""The revisions of one plan in scratch databases: a template for each place of the chain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import psycopg
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from membership_refactor.database import libpq_url
from membership_refactor.environment import Request, connect_engine
from membership_refactor.environment.find_database import silence_driver
from membership_refactor.errors import RefactorError
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.version_table import VersionTable
from membership_refactor.inspect.checks import what_is_broken
from membership_refactor.planning import TableSplit
from membership_refactor.project.alembic_project import USUAL_SCHEMA, AlembicProject
from membership_refactor.rehearsal.movement import ByRevisions, movement
from membership_refactor.rehearsal.rehearse import accepting
from membership_refactor.rehearsal.subject import Subject
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.testing.made_rows import Filler, Made
from membership_refactor.testing.scratch_databases import Databases
from membership_refactor.testing.snapshots import Snapshot, snapshot
from membership_refactor.testing.writing import Writers

SMALL_BATCHES = 7
"""Rows in a batch: the rows that are made fill several."""


class NotReady(RefactorError):
    """The tests of a plan cannot begin in this project."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the chain: after that revision; before the plan where there is none."""

    revision: str | None
    steps: tuple[str, ...] = ()
    """The steps that the revision runs."""

    def __str__(self) -> str:
        return f"{self.revision} ({', '.join(self.steps)})" if self.revision else "before the plan"


@dataclass
class PlanChain:
    """One plan of a project in one schema, whose revisions run in databases of their own."""

    config: Config
    plan: TableSplit
    schema: str
    sample: Path | None = None
    """A file of SQL that fills the tables; without it rows are made."""
    made: Made = field(default_factory=Made)
    _writers: Writers | None = None
    _unreached: dict[Place, str] = field(default_factory=dict)

    @cached_property
    def project(self) -> AlembicProject:
        return AlembicProject(self.config)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Before the plan, then after each of its revisions."""
        chain = self.project.chain(self.plan, self.schema)
        steps: dict[str, list[str]] = {}
        for name in self.plan.steps:
            if name in chain.revisions.ids:
                steps.setdefault(chain.revisions.ids[name], []).append(name)
        return (Place(None), *(Place(id, tuple(names)) for id, names in steps.items()))

    def below(self, place: Place) -> str:
        """The revision before that place, of whichever project it is; ``base`` before the first.

        Raises NotReady where there are several.
        """
        revisions = self.project.chain(self.plan, self.schema).revisions
        below = revisions.before.get(place.steps[0])
        if below is None:
            raise NotReady(
                f"{place} comes after several revisions, and a script begins at one of them.",
                hint="Put a merge revision below it: alembic merge",
            )
        return below

    def at(self, databases: Databases, place: Place) -> str:
        """The URL of a new database at that place, with the rows. Whoever asks drops it.

        Raises NotReady where the way up to that place fails.
        """
        self._have_template(databases, place)
        return databases.copy(self._template(place))

    def _have_template(self, databases: Databases, place: Place) -> None:
        if place in self._unreached:
            raise NotReady(self._unreached[place])
        number = self.places.index(place)
        try:
            if number == 0:
                databases.have_template(self._template(place), self._begin)
                return
            below = self.places[number - 1]
            self._have_template(databases, below)
            databases.have_template(
                self._template(place),
                lambda url: self.up(url, place),
                above=self._template(below),
            )
        except Exception as error:
            self._unreached[place] = f"the database does not come to {place}: {error}"
            raise

    @contextmanager
    def database(self, databases: Databases, place: Place) -> Iterator[str]:
        """A database at that place until the block ends."""
        url = self.at(databases, place)
        try:
            yield url
        finally:
            databases.drop(url)

    def up(self, url: str, place: Place, engine: Engine | None = None) -> None:
        """Take the database up to that place, on the sessions of the engine where one is given."""
        with self._movement(url, engine=engine) as chain:
            chain.up(place.steps[-1])

    def down(self, url: str, place: Place, engine: Engine | None = None) -> None:
        """Take the database down to the place below ``place``."""
        with self._movement(url, engine=engine) as chain:
            chain.down(place.steps[0])

    def writers(self, databases: Databases) -> Writers:
        """The writers of the plan. They are made once."""
        if self._writers is None:
            with (
                self.database(databases, self.places[0]) as url,
                psycopg.connect(libpq_url(url), autocommit=True) as pg,
            ):
                self._writers = Writers.begin(pg, self.plan, self.schema)
        return self._writers

    def broken(self, url: str) -> Iterator[str]:
        """A line for each check that does not hold, and for each row that a comparison finds."""
        with self._movement(url) as chain:
            yield from what_is_broken(chain.runner, models=self.project.models(self.plan))

    def snapshot(self, url: str) -> Snapshot:
        return snapshot(url, self.plan, self.schema)

    # --- inside -------------------------------------------------------------------------

    def _template(self, place: Place) -> str:
        return f"{self.plan.name} {self.schema} {self.places.index(place)}"

    def _begin(self, url: str) -> None:
        """Run the revisions before the plan, and fill its table."""
        silence_driver()
        script = ScriptDirectory.from_config(self.config)
        if len(self.places) == 1:
            raise NotReady(
                f'no revision of the project runs a step of plan "{self.plan.name}".',
                hint="Let `membership-refactor new TABLE` write them.",
            )
        first = script.get_revision(str(self.places[1].revision))
        with self._movement(url, USUAL_SCHEMA) as chain:
            for id in first._all_down_revisions:
                chain.go(id, up=True)
        table = qualified(self.schema, self.plan.source)
        with psycopg.connect(libpq_url(url), autocommit=True) as pg:
            pg.execute(f"CREATE SCHEMA IF NOT EXISTS {ident(self.schema)}".encode())
            if self.sample is not None:
                pg.execute(self.sample.read_bytes())
            there = pg.execute(f"SELECT pg_catalog.to_regclass({literal(table)})".encode())
            if there.fetchone() == (None,):
                raise NotReady(
                    f"the revisions before {self.places[1]} make no table {table}.",
                    hint=f"Write a file of SQL that makes and fills it: {self.plan.name}.sql in "
                    "the folder refactor_folder of pytest's settings (tests/refactor).",
                )
            if self.sample is None:
                self._fill(pg)
            pg.execute("ANALYZE")

    def _fill(self, pg: psycopg.Connection) -> None:
        self.made = Filler(pg).fill(self.plan, self.schema)
        if not self.made.rows:
            why = next(iter(self.made.refused.values()), "it has no columns")
            raise NotReady(
                f'the table "{self.plan.source}" takes none of the rows that are made: {why}.',
                hint=f"Write a file of SQL that fills it: {self.plan.name}.sql in the folder "
                "refactor_folder of pytest's settings (tests/refactor).",
            )

    @contextmanager
    def _movement(
        self, url: str, schema: str | None = None, *, engine: Engine | None = None
    ) -> Iterator[ByRevisions]:
        request = Request(
            schema=schema or self.schema,
            url=url,
            options=replace(accepting(Options()), batch_rows=SMALL_BATCHES),
            progress=Progress(quiet=True),
            version_table=VersionTable(USUAL_SCHEMA),
        )
        engine = engine or connect_engine(url, request.schema)
        subject = Subject(url=url, plan=self.plan, request=request, config=self.config)
        chain = movement(engine, subject, request)
        assert isinstance(chain, ByRevisions)
        try:
            yield chain
        finally:
            engine.dispose()
