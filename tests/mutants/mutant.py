"""A mutant: one protection taken out of the SQL on its way, and the scene that has to notice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest

from membership_refactor.database import libpq_url

Mutation = Callable[[str], str]

HUNG = "60s"
"""No statement of a scene takes this long; one that does is a scene that waits for itself."""

NOTICED = (Exception, pytest.fail.Exception)
BROKEN = (
    psycopg.errors.SyntaxError,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedParameter,
    psycopg.errors.QueryCanceled,
)
"""A text that PostgreSQL cannot even read, or a wait without an end, shows nothing about a
protection: the mutant itself is wrong."""


@dataclass(frozen=True)
class Mutant:
    """``mutation`` makes what changes the text: some remember what they have seen."""

    name: str
    mutation: Callable[[], Mutation]
    noticed: Callable[..., None]


def mutant(name: str, mutation: Mutation, noticed: Callable[..., None]) -> Mutant:
    """A mutant that remembers nothing."""
    return Mutant(name, lambda: mutation, noticed)


def replaced(pattern: str, by: str | Callable[[re.Match[str]], str], within: str = "") -> Mutation:
    """A regular expression, only in the text that makes ``within``."""

    def mutate(text: str) -> str:
        return re.sub(pattern, by, text) if within in text else text

    return mutate


def made_idle(function: str, *, returns: str = "NULL") -> Mutation:
    """The trigger function is there and does nothing; a BEFORE row trigger returns NEW."""
    made = f'FUNCTION "s_refactor"."{function}"() RETURNS'
    return replaced(r"\nBEGIN\n", f"\nBEGIN RETURN {returns};\n", made)


def instead(pattern: str, by: str = "SELECT 1") -> Mutation:
    """A whole statement gives way to another one."""
    return lambda text: by if re.search(pattern, text) else text


def never_asked(pattern: str) -> Mutation:
    """A check whose query has the pattern finds nothing, whatever there is."""
    counted = r"(?s)^SELECT pg_catalog\.count\(\*\), coalesce.*"
    return instead(counted + pattern, "SELECT 0, '{}'::pg_catalog.text[]")


def named(scene: Callable[..., None]) -> str:
    """The scene's or test's name as words."""
    parts = [part for part in scene.__qualname__.split(".") if part != "<locals>"]
    return parts[0].replace("_", " ").removeprefix("test ")


@contextmanager
def noticing(scene: Callable[..., None], record: Callable[[str, object], None]) -> Iterator[None]:
    """The block fails, because of what was taken away and not because the text is broken."""
    record("noticed by", named(scene))
    with pytest.raises(NOTICED) as caught:
        yield
    error: BaseException | None = caught.value
    record("how", f"{type(caught.value).__name__}: {' '.join(str(caught.value).split())}")
    while error is not None:
        assert not isinstance(error, BROKEN), f"the mutant is broken: {error!r}"
        error = error.__cause__ or error.__context__


def bound_waits(url: str) -> None:
    """Whoever connects from now on waits for nothing without an end."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE \"{name}\" SET statement_timeout = '{HUNG}'".encode())
