"""Runs that end between two actions of a step, as if the client had been killed there."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from membership_refactor.database import libpq_url
from membership_refactor.errors import RefactorError

Sent = Callable[[str], None]
_ACTION_IS_DONE = re.compile(r'INSERT INTO "[^"]*"\."action"')
"""The work of an action is done, and not committed."""
_MOST = 100
_NEVER = 0


def watched(url: str, sent: Sent) -> Engine:
    """An engine whose connections tell ``sent`` what they are about to send."""

    class Watched(psycopg.Connection[Any]):
        def execute(self, query: Any, *arguments: Any, **options: Any) -> psycopg.Cursor[Any]:
            sent(query.decode() if isinstance(query, bytes) else str(query))
            return super().execute(query, *arguments, **options)

    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: Watched.connect(libpq_url(url)),
        poolclass=NullPool,
    )


class _Ends(Exception):
    """The client ends here."""


class _Interruption:
    """Ends the run at one action: nothing that it still sends reaches the server."""

    def __init__(self, at: int) -> None:
        self.at, self.count, self.sent, self.ended = at, 0, 0, False

    def __call__(self, text: str) -> None:
        self.sent += 1
        if not self.ended and _ACTION_IS_DONE.search(text):
            self.count += 1
            self.ended = self.count == self.at
        if self.ended:
            raise _Ends(text)


def run_interrupted(url: str, work: Callable[[Engine], None]) -> int:
    """Do the work to its end, interrupted once at each action. Return how often it was.

    Each run goes on with the action that the one before was interrupted at.
    """
    at, sent = 1, 0
    for interrupted in range(_MOST):
        interruption = _Interruption(at)
        with suppress(_Ends, CommandError, RefactorError, psycopg.Error):
            work(watched(url, interruption))
            return interrupted
        if not interruption.ended:
            # What stopped it was something else: the caller gets its error.
            work(watched(url, _Interruption(_NEVER)))
            return interrupted
        # A step may do some actions again in every run: then one more has to pass.
        at = 2 if at == 1 else at + (interruption.sent == sent)
        sent = interruption.sent
    raise RefactorError(f"After {_MOST} interruptions the step does not come to its end.")
