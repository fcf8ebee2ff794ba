"""Choose the database of a command or a test, and say which one it is."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from membership_refactor.database.binaries import Binaries, of_the_wheel, on_this_machine
from membership_refactor.database.container import contained, why_no_engine
from membership_refactor.database.embedded import DATABASE, kept
from membership_refactor.database.examination import examine
from membership_refactor.database.launcher import launch
from membership_refactor.database.server import Server
from membership_refactor.database.url import normalise_url, parse_url, without_password
from membership_refactor.errors import NoDatabase

Source = Literal["container", "machine", "wheel"]
# The variables of libpq that name a place; PGUSER or PGPASSWORD alone name none.
LIBPQ_PLACES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE")
_FROM_LIBPQ = "postgresql+psycopg://"
_PLACEHOLDERS = ("driver://user:pass@localhost/dbname",)


@dataclass(frozen=True, slots=True)
class Choice:
    """A database, as SQLAlchemy's URL, and where it was named."""

    url: str
    source: str

    def __str__(self) -> str:
        return f"{without_password(self.url)} ({self.source})"


def choose_for_application(
    *,
    x_url: str | None = None,
    configured: str | None = None,
    environ: Mapping[str, str] | None = None,
    announce: Callable[[str], None] | None = None,
) -> Choice:
    """Take the first that names a database: -x url, DATABASE_URL, sqlalchemy.url, libpq's
    variables.

    With none of them the embedded server is started, and ``announce`` (default: standard error)
    gets one line about it. A named database is not tried here; ``examine`` does that.

    Raises NoDatabase where one of them is there and empty, and no other names a database.
    """
    environ = os.environ if environ is None else environ
    if configured in _PLACEHOLDERS:
        configured = None
    named = (
        (x_url, "-x url"),
        (environ.get("DATABASE_URL"), "DATABASE_URL"),
        (configured, "sqlalchemy.url"),
    )
    for url, source in named:
        if url and url.strip():
            return Choice(normalise_url(url, source=source), source)
    if libpq := [name for name in LIBPQ_PLACES if environ.get(name)]:
        return Choice(_FROM_LIBPQ, ", ".join(libpq))
    empty = [source for url, source in named if url is not None]
    empty += [name for name in LIBPQ_PLACES if name in environ]
    if empty:
        raise NoDatabase(
            f"{empty[0]} is empty, and nothing else names a database.",
            hint="Give it a value, or remove it to use the embedded server.",
        )
    server = kept(environ=environ)
    choice = Choice(server.database_url(DATABASE), f"embedded: {server.source}")
    say = announce or _to_standard_error
    say(
        f"No database is given. The embedded {server.source} is used, with its data in "
        f"{server.data}. Set DATABASE_URL to use another."
    )
    return choice


def source_for_tests(
    environ: Mapping[str, str] | None = None, *, only: Source | None = None
) -> str:
    """Name the server that ``server_for_tests`` would take. Nothing is started."""
    environ = os.environ if environ is None else environ
    if only is None and (url := environ.get("DATABASE_URL")):
        return f"DATABASE_URL {without_password(url)}"
    if only in (None, "container") and why_no_engine() is None:
        return "a container"
    binaries = _binaries(environ, only)
    return "none" if binaries is None else binaries.source


@contextlib.contextmanager
def server_for_tests(
    *,
    settings: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    only: Source | None = None,
    folder: Path | None = None,
) -> Iterator[Server]:
    """Provide a server until the block ends: DATABASE_URL, a container, this machine's
    installation, or the embedded one, in this order.

    ``only`` asks for one of the last three and skips those before it. The data of the last two
    are below ``folder``, or below a temporary folder.
    """
    environ = os.environ if environ is None else environ
    if only is None and (url := environ.get("DATABASE_URL")):
        yield _given(url)
        return
    if only == "container" or (only is None and why_no_engine() is None):
        with contained(settings=settings) as server:
            yield server
        return
    binaries = _binaries(environ, only)
    if binaries is None:
        raise NoDatabase(
            f"No PostgreSQL for the tests: {_MISSING[only or 'all']}.",
            hint="Set DATABASE_URL, or install one: pip install 'membership-refactor[embedded]'.",
        )
    with launch(binaries, settings=settings, folder=folder) as launched:
        yield launched.server


def _binaries(environ: Mapping[str, str], only: Source | None) -> Binaries | None:
    if only in (None, "machine") and (machine := on_this_machine(environ)):
        return machine[0]
    return of_the_wheel() if only in (None, "wheel") else None


_MISSING = {
    "machine": "no PostgreSQL 15 or newer on this machine",
    "wheel": "the embedded wheel is not installed",
    "all": "no DATABASE_URL, no Docker engine, no PostgreSQL 15 or newer on this machine, no "
    "embedded wheel",
}


def _given(url: str) -> Server:
    examined = examine(url)
    parsed = parse_url(url)
    return Server(
        url=normalise_url(url),
        source=f"DATABASE_URL {without_password(url)}",
        host=parsed.host or str(parsed.query.get("host", "")),
        port=parsed.port or 5432,
        version=examined.version,
    )


def _to_standard_error(line: str) -> None:
    print(line, file=sys.stderr)
