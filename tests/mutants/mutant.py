"""A mutant: one protection taken out of the SQL on its way, and the scene that has to notice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.sql.own_statements import MARK

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


F = TypeVar("F", bound=Callable[..., None])


def called(name: str, scene: F) -> F:
    """The scene under a name of its own, for one that a factory makes."""
    scene.__qualname__ = " ".join(name.split())
    return scene


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
    """A regular expression, only in the statement that makes ``within``."""

    def mutate(text: str) -> str:
        # A message may have several statements; each but the last ends with the mark.
        parts = text.split(f"\n{MARK};")
        made = [re.sub(pattern, by, part) if within in part else part for part in parts]
        return f"\n{MARK};".join(made)

    return mutate


def made_idle(function: str, *, returns: str = "NULL") -> Mutation:
    """The trigger function is there and does nothing; a BEFORE row trigger returns NEW."""
    made = rf'(FUNCTION "s_refactor"\."{function}"\(\) RETURNS[\s\S]*?\nBEGIN\n)'
    return replaced(made, rf"\1  RETURN {returns};\n")


def instead(pattern: str, by: str = "SELECT 1") -> Mutation:
    """A whole statement gives way to another one."""
    return lambda text: by if re.search(pattern, text) else text


def never_asked(pattern: str) -> Mutation:
    """A check whose query has the pattern finds nothing, whatever there is; so do those that
    share its pass."""
    nothing = "SELECT 0, '{}'::pg_catalog.text[]"

    def mutate(text: str) -> str:
        if not re.search(pattern, text):
            return text
        if text.startswith("SELECT pg_catalog.count(*), coalesce("):
            return nothing
        return re.sub(r"SELECT r\.broken, r\.keys(?=,|\s+FROM)", nothing, text, count=1)

    return mutate


def named(scene: Callable[..., None]) -> str:
    """The scene's or test's name as words; what a factory made says itself what it is."""
    name = scene.__qualname__.partition(".<locals>")[0].replace("_", " ").removeprefix("test ")
    return name if len(name) < 90 else f"{name[:88]}…"


@contextmanager
def noticing(scene: Callable[..., None], record: Callable[[str, object], None]) -> Iterator[None]:
    """The block fails, because of what was taken away and not because the text is broken."""
    record("noticed by", named(scene))
    with pytest.raises(NOTICED) as caught:
        yield
    record("how", f"{type(caught.value).__name__}: {' '.join(str(caught.value).split())}")
    is_no_broken_text(caught.value)


def is_no_broken_text(error: BaseException | None) -> None:
    """Neither the error nor what led to it says that the mutant itself is wrong."""
    while error is not None:
        assert not isinstance(error, BROKEN), f"the mutant is broken: {error!r}"
        error = error.__cause__ or error.__context__


def bound_waits(url: str) -> None:
    """Whoever connects from now on waits for nothing without an end."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE \"{name}\" SET statement_timeout = '{HUNG}'".encode())
