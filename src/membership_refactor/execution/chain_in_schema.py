"""One plan's chain in one schema: what it consists of, and what can be read of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

from sqlalchemy import Engine

from membership_refactor.catalog.read import read_portrait, read_server
from membership_refactor.checks.check import Check
from membership_refactor.errors import StepOutOfOrder
from membership_refactor.execution.cores import half, server_cores
from membership_refactor.execution.do_action import Performer
from membership_refactor.execution.ledger import Ledger
from membership_refactor.execution.options import Options
from membership_refactor.execution.ownership import owner_of
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.run_checks import require
from membership_refactor.execution.sessions import Pg, Sessions
from membership_refactor.execution.version_table import VersionTable
from membership_refactor.execution.writable import require_writable
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.server_facts import Server
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident
from membership_refactor.steps.actions import Action
from membership_refactor.steps.changed_tables import misplaced_tables
from membership_refactor.steps.step import Direction, Situation, Step
from membership_refactor.steps.step_chain import Chain


class ChainInSchema:
    """A plan, its chain and its ledger in one schema. It keeps nothing that it has read."""

    def __init__(
        self,
        engine: Engine,
        plan: TableSplit,
        schema: str,
        chain: Chain,
        *,
        options: Options | None = None,
        progress: Progress | None = None,
        performers: Mapping[type[Action], Performer] | None = None,
        version_table: VersionTable | None = None,
    ) -> None:
        self.performers = dict(performers or {})
        self.engine, self.plan, self.schema, self.chain = engine, plan, schema, chain
        self.options = options or Options()
        self.progress = progress or Progress()
        self.version_table = version_table or VersionTable(schema)
        self.names = Names(plan, schema, looks_at_members=True)
        self.ledger = Ledger(plan, schema, chain)
        self.own_tables = plan.tables
        self.tables = tuple(dict.fromkeys([*self.own_tables, *chain.tables]))

    def label(self, step: str) -> str:
        """The step's name behind the id of its revision."""
        return self.chain.revisions.label(step)

    def situation(self, pg: Pg) -> Situation:
        """The plan with the portraits that the ledger keeps."""
        return Situation(self.names, self.ledger.portraits(pg), revisions=self.chain.revisions)

    def actions_of_open(self, pg: Pg, step: str, direction: Direction) -> tuple[Action, ...]:
        """The actions of an open step. Raises KeyError or RefactorError where another version of
        the tool began it and knew more."""
        found = self.chain[step]
        situation = replace(self.situation(pg), now=self.ledger.now(pg, step))
        return (found.up if direction is Direction.UP else found.down)(situation)

    def read(self) -> Portrait:
        """The portrait of the plan's tables as they are now."""
        with self.looking() as pg:
            return read_portrait(pg, self.schema, self.tables)

    def server(self) -> Server:
        """Read what the server and the connected role allow."""
        with self.looking() as pg:
            return read_server(pg, self.schema, self.owner(pg))

    def looking(self) -> AbstractContextManager[Pg]:
        """A session of the login itself, which looks only."""
        return Sessions(self.engine, role=None, label="look").open(as_owner=False, writes=False)

    def require_tables_of_ledger(self, pg: Pg) -> None:
        """Raise StepOutOfOrder where no step is open and the plan's tables are not those that the
        ledger knows: one of the two was restored without the other."""
        if not self.ledger.exists(pg) or self.ledger.open_step(pg) is not None:
            return
        last = self.ledger.stands_at(pg)
        found = misplaced_tables(replace(self.situation(pg), now=self.read()), last)
        if found:
            after = f" after {self.label(last.name)}" if last else ""
            raise StepOutOfOrder(
                f"the tables are not those that the ledger knows{after}: {', '.join(found)}. "
                "Nothing was changed.",
                hint=f"If they were restored, restore the schemas {ident(self.schema)} and "
                f"{ident(self.ledger.name)} of one dump. Else undo that change.",
            )

    def require(self, pg: Pg, checks: Iterable[Check], step: Step, direction: Direction) -> None:
        require(
            pg,
            checks,
            ledger=self.ledger,
            progress=self.progress,
            step=step.name,
            direction=direction,
        )

    def owner(self, pg: Pg) -> str | None:
        """Return the owner of the tables; None if there are no tables. ``pg`` acts as the login."""
        return owner_of(pg, self.plan, self.schema, self.tables)

    def sessions(self, label: str) -> Sessions:
        """Sessions that may write, in the role of the tables' owner. Raises NoDatabase where the
        server or the login only reads."""
        with Sessions(self.engine, role=None, label="look").open(as_owner=False) as pg:
            owner = self.owner(pg)
            require_writable(pg)
            parallel = self._parallel(pg)
        return Sessions(self.engine, role=owner, label=label, parallel=parallel)

    def _parallel(self, pg: Pg) -> int | None:
        """How many parallel workers a statement may have. ``pg`` acts as the login."""
        if self.options.workers is not None:
            return self.options.workers - 1
        if self.options.max_latency is None:
            return None
        cores = server_cores(pg)
        return half(cores) - 1 if cores is not None else None
