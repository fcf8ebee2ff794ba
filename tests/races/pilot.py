"""The pilot flies the real Runner and halts it before or after any statement that it sends.

    with Pilot(url) as pilot:
        pilot.start(lambda runner: runner.upgrade("copy_table"))
        pilot.until(r'_copy_build"')     # right after the first batch, its transaction still open
        ...                              # sessions act
        pilot.finish()

The product has no hook for this: the Runner is given connections that ask before every statement.
They can also change the text on its way (a mutant), or be killed at a halt (a crash).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from membership_refactor.database import libpq_url
from membership_refactor.execution.options import Options
from membership_refactor.execution.runner import Runner
from membership_refactor.planning import TableSplit
from membership_refactor.steps import steps_of
from tests.fixtures.steps import CHAIN, step_of
from tests.races.tables import PLAN, SCHEMA

PATIENCE = 40.0
Mutation = Callable[[str], str]
Flight = Callable[[Runner], None]
HALTED, SET_BACK, ARRIVED = "halted", "set back", "arrived"


class Abandoned(BaseException):
    """Ends a flight that nobody waits for any more."""


class Pilot:
    """One Runner in a thread of its own, and where it is to halt."""

    def __init__(
        self,
        url: str,
        *,
        mutation: Mutation | None = None,
        options: Options | None = None,
        plan: TableSplit = PLAN,
        schema: str = SCHEMA,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.url, self.mutation = url, mutation
        self.mutated = 0
        """How many texts the mutation has changed."""
        self.error: BaseException | None = None
        self.halted_on: psycopg.Connection[Any] | None = None
        self.sent: list[str] = []
        self.settings = settings or {}
        self._news = threading.Condition()
        self._state = ARRIVED
        self._setbacks = self._seen = 0
        self._pattern: re.Pattern[str] | None = None
        self._before = False
        self._abandoned = False
        self._thread: threading.Thread | None = None
        engine = create_engine("postgresql+psycopg://", creator=self._connect, poolclass=NullPool)
        # Two batches of each move, and a lock that is given up before a test counts as hung.
        chosen = options or Options(batch_rows=150, accept_usage="test", lock_timeout=20)
        chain = replace(CHAIN, steps=steps_of(plan))
        self.runner = Runner(engine, plan, schema, chain, options=chosen)
        self.revisions = tuple(CHAIN.revisions.of(step) for step in plan.steps)
        """The ids of the revisions of the plan."""

    # --- the test's side ------------------------------------------------------------------

    def start(self, flight: Flight, *, until: str | None = None, before: bool = False) -> None:
        """Sets off; with ``until`` it comes back at the halt."""
        self._state, self.error = "flying", None
        self._aim(until, before)
        self._thread = threading.Thread(target=self._fly, args=(flight,), daemon=True)
        self._thread.start()
        if until is not None:
            self.wait()
            assert self._state == HALTED, f"never came to {until}: {self.error!r}"

    def go(self, until: str | None = None, *, before: bool = False) -> None:
        """Leaves the halt, for the next one or for the end; does not wait."""
        with self._news:
            self._aim(until, before)
            self._seen = self._setbacks
            if self._state == HALTED:
                self._state = "flying"
            self._news.notify_all()

    def until(self, pattern: str, *, before: bool = False) -> None:
        """Goes on to the statement and waits there. AssertionError if the flight ends first."""
        self.go(pattern, before=before)
        self.wait()
        assert self._state == HALTED, f"never came to {pattern}: {self.error!r}"

    def wait(self, *, setbacks: bool = False) -> str:
        """Until it has halted or arrived, or, if asked for, has been set back by a lock."""
        with self._news:
            found = self._news.wait_for(
                lambda: (
                    self._state in (HALTED, ARRIVED) or (setbacks and self._setbacks > self._seen)
                ),
                PATIENCE,
            )
            assert found, f"hung in: {self.sent[-1][:300]}"
            return self._state if self._state in (HALTED, ARRIVED) else SET_BACK

    @property
    def setbacks(self) -> int:
        """How often a lock or an error has set it back."""
        with self._news:
            return self._setbacks

    def finish(self) -> None:
        """Flies to the end and raises what ended it."""
        self.go()
        self.wait()
        if self.error is not None:
            raise self.error

    def fly(self, flight: Flight) -> None:
        """The whole flight, without a halt."""
        self.start(flight)
        self.finish()

    def kill(self) -> None:
        """Terminates the backend of the connection that halted; the flight goes on to its error."""
        assert self.halted_on is not None
        with psycopg.connect(libpq_url(self.url), autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(%s, 5000)", [self.halted_on.info.backend_pid]
            )

    def upgrade(self, *revisions: str) -> None:
        for revision in revisions:
            self.fly(lambda runner, r=revision: runner.upgrade(step_of(r)))  # type: ignore[misc]

    def downgrade(self, *revisions: str) -> None:
        for revision in revisions:
            self.fly(lambda runner, r=revision: runner.downgrade(step_of(r)))  # type: ignore[misc]

    def __enter__(self) -> Pilot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._abandoned = True
        self.go()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    # --- the Runner's side ----------------------------------------------------------------

    def _aim(self, pattern: str | None, before: bool) -> None:
        self._pattern = re.compile(pattern) if pattern is not None else None
        self._before = before

    def _fly(self, flight: Flight) -> None:
        try:
            flight(self.runner)
        except BaseException as error:
            self.error = error
        with self._news:
            self._state = ARRIVED
            self._news.notify_all()

    def _connect(self) -> psycopg.Connection[Any]:
        connection = _Asking.connect(libpq_url(self.url))
        connection.pilot = self
        for name, value in self.settings.items():
            connection.execute(f"SET {name} = '{value}'".encode())
        connection.commit()
        return connection

    def text(self, text: str) -> str:
        if self._abandoned:
            raise Abandoned
        self.sent.append(text)
        if self.mutation is None:
            return text
        changed = self.mutation(text)
        self.mutated += changed != text
        return changed

    def passing(self, connection: psycopg.Connection[Any], text: str, *, before: bool) -> None:
        with self._news:
            if self._pattern is None or before is not self._before:
                return
            if not self._pattern.search(text):
                return
            self._pattern, self._state, self.halted_on = None, HALTED, connection
            self._news.notify_all()
            self._news.wait_for(lambda: self._state != HALTED or self._abandoned)
        if self._abandoned:
            raise Abandoned

    def set_back(self) -> None:
        with self._news:
            self._setbacks += 1
            self._news.notify_all()


class _Asking(psycopg.Connection[Any]):
    """Asks the pilot before and after every statement."""

    pilot: Pilot | None = None

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> psycopg.Cursor[Any]:
        pilot = self.pilot
        if pilot is None or not isinstance(query, bytes):
            return super().execute(query, params, **kwargs)
        text = pilot.text(query.decode())
        pilot.passing(self, text, before=True)
        try:
            cursor = super().execute(text.encode(), params, **kwargs)
        except psycopg.Error:
            pilot.set_back()
            raise
        pilot.passing(self, text, before=False)
        return cursor
