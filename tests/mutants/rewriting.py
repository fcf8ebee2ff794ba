"""Rewrites the SQL of everything in this process, for tests that connect by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from membership_refactor.testing.scratch_databases import Build, Databases
from tests.mutants.mutant import Mutation


class Rewriting:
    """How many texts have been changed, and whether templates are being built just now."""

    def __init__(self) -> None:
        self.changed = 0
        self.asleep = False


@contextmanager
def rewritten(monkeypatch: pytest.MonkeyPatch, mutation: Mutation) -> Iterator[Rewriting]:
    """Every cursor sends what ``mutation`` makes of its text. Templates are built as they are:
    other tests get copies of them."""
    state = Rewriting()
    execute, have_template = psycopg.Cursor.execute, Databases.have_template

    def rewriting(self: psycopg.Cursor[Any], query: Any, *rest: Any, **named: Any) -> Any:
        text = _text(query)
        changed = text if state.asleep else mutation(text)
        if changed == text:
            return execute(self, query, *rest, **named)
        state.changed += 1
        return execute(self, changed.encode(), *rest, **named)

    def built_as_it_is(
        self: Databases, name: str, build: Build, *, above: str | None = None
    ) -> None:
        def quietly(url: str) -> None:
            before, state.asleep = state.asleep, True
            try:
                build(url)
            finally:
                state.asleep = before

        have_template(self, name, quietly, above=above)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", rewriting)
        patch.setattr(Databases, "have_template", built_as_it_is)
        yield state


def _text(query: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    if isinstance(query, sql.Composable):
        return query.as_string(None)
    return str(query)
