"""A process of ``--all-schemas``: runs one command in one schema after another, as a user would."""

from __future__ import annotations

import io
import json
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from types import ModuleType

import psycopg

from membership_refactor.cli.command_line import context_for, run
from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.errors import RefactorError
from membership_refactor.execution.server_errors import of_server
from membership_refactor.execution.sessions import Pg, Sessions
from membership_refactor.inspect.read_only import looking
from membership_refactor.operations import runner_for
from membership_refactor.tenants.crew import Command, serve
from membership_refactor.tenants.outcome import Ended, Outcome, reason


class Versions:
    """Reads Alembic's version of one schema after another, on one session."""

    def __init__(self, context: Context) -> None:
        self._database = context.database_with(context.schema)
        self._own = self._database.version_table.schema == context.schema
        self._stack = ExitStack()
        self._pg: Pg | None = None

    def of(self, schema: str) -> str | None:
        """The version; None where nothing has run."""
        table = self._database.version_table
        if self._own:
            table = replace(table, schema=schema)
        try:
            found = table.versions(self._session())
        except psycopg.OperationalError:
            # The server may have ended the session while it was idle.
            self._stack.close()
            found = table.versions(self._session())
        return ", ".join(found) or None

    def _session(self) -> Pg:
        pg = self._pg
        if pg is None or pg.closed or pg.broken:
            sessions = Sessions(self._database.engine, role=None, label="tenants")
            pg = self._pg = self._stack.enter_context(sessions.open(as_owner=False))
        return pg


def prepare(command: Command) -> Callable[[str], Outcome]:
    """Return what runs the command in one schema and says what came of it."""
    tenant = _Tenant(command)
    return tenant.run


class _Tenant:
    """The command, and what is kept from one schema to the next."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.verb: ModuleType | None = import_module(command.verb) if command.verb else None
        self.context = context_for(command.arguments)
        self.versions = Versions(self.context)
        # What the command prints is told to the parent, tenant by tenant.
        self.out = sys.stdout = io.StringIO()
        self.err = sys.stderr = io.StringIO()

    def run(self, schema: str) -> Outcome:
        """Run the command in this schema."""
        begun = time.monotonic()
        for text in (self.out, self.err):
            text.seek(0)
            text.truncate()
        found = Outcome(schema=schema, ended=Ended.FAILED)
        try:
            found = replace(found, before=self.versions.of(schema))
            found = replace(found, after=found.before)
            status = run(["-x", f"schema={schema}", *self.command.arguments])
            found = self._judged(replace(found, after=self.versions.of(schema)), status)
        except RefactorError as error:
            found = replace(found, said=str(error))
        except psycopg.Error as error:
            found = replace(found, said=of_server(error))
        except Exception as error:
            # A fault of this program in one tenant is no reason to leave the others.
            print(traceback.format_exc(), file=sys.__stderr__)
            found = replace(found, said=f"{type(error).__name__}: {error}")
        return replace(found, seconds=round(time.monotonic() - begun, 3))

    def _judged(self, found: Outcome, status: int) -> Outcome:
        if status == FINE and self.verb is None:
            if found.before != found.after:
                return replace(found, ended=Ended.DONE)
            half_done = self._open_step(found.schema)
            if half_done is not None:
                return replace(found, said=half_done)
            return replace(found, ended=Ended.NOTHING_TO_DO)
        if status in (FINE, FINDINGS) and self.verb is not None:
            result = json.loads(self.out.getvalue())
            ended = Ended.DONE if status == FINE else Ended.FINDINGS
            return replace(found, ended=ended, said=self.verb.one_line(result), result=result)
        return replace(found, said=reason(self.out.getvalue(), self.err.getvalue()))

    def _open_step(self, schema: str) -> str | None:
        """Which step is half-done, and how to end it. Where Alembic has no revision to run, it asks
        no step, and would not say so."""
        project = self.context.project
        database = self.context.database_with(schema)
        for registered in project.plans:
            request = replace(
                self.context.request, schema=schema, version_table=database.version_table
            )
            runner = runner_for(database.engine, registered.plan, request, project)
            with looking(runner, "tenants") as pg:
                there = runner.ledger.exists(pg)
                step = runner.ledger.open_step(pg) if there else None
            if step is not None:
                label = runner.chain.revisions.label(step.step)
                ways = runner.ledger.ways_out(step.step, step.direction)
                return f"step {label} is open {step.direction}. {ways}"
        return None


if __name__ == "__main__":
    serve(prepare)
