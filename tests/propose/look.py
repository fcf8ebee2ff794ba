"""Makes a wide table in a database, and searches it for keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from membership_refactor.catalog.read import read_portrait
from membership_refactor.database import libpq_url
from membership_refactor.propose.candidates import Discovery
from membership_refactor.propose.clock import Clock
from membership_refactor.propose.discover import discover
from membership_refactor.propose.measure import Measure, reading


def execute(url: str, script: str) -> None:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(script.encode())


@contextmanager
def measuring(url: str, table: str, *, seconds: float | None = None) -> Iterator[Measure]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        found = read_portrait(connection, "public", [table]).table(table)
    with reading(engine, found) as pg:
        yield Measure(pg, found, Clock(seconds))


def discovered(url: str, table: str, *, seconds: float | None = None) -> Discovery:
    with measuring(url, table, seconds=seconds) as measure:
        return discover(measure)
