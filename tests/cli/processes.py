"""Runs `alembic` and `membership-refactor` as processes, and databases for them to work on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from membership_refactor.database import libpq_url
from membership_refactor.demo.data import load
from tests.cli import fork_server

ROOT = Path(__file__).parents[2]
REFUSED, WRONG_USE, FINDINGS = 255, 2, 1
MODULES = {"alembic": "alembic", "membership-refactor": "membership_refactor.cli"}
_PLACES = ("DATABASE_URL", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE", "PGUSER")


@dataclass(frozen=True)
class Ended:
    """What a process left behind."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The one line in which it failed; alembic says it on standard output."""
        assert "Traceback" not in self.out + self.err
        return failure(self.out + self.err)


def failure(text: str) -> str:
    """The only line that begins with FAILED, with the lines of its list, if it has one."""
    before, found, after = text.partition("FAILED:")
    assert found and "FAILED:" not in before + after, text
    return found + after


def command(program: str) -> list[str]:
    return [sys.executable, "-m", MODULES[program]]


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in _PLACES}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def ran(program: str, *arguments: str, url: str | None = None, **env: str) -> Ended:
    """The program's whole run; ``url`` goes by -x, which comes before the verb."""
    given = ["-x", f"url={url}"] if url else []
    return ran_in(ROOT, program, *given, *arguments, **env)


def ran_in(folder: Path, program: str, *arguments: str, **env: str) -> Ended:
    """The program's whole run in that folder."""
    done = fork_server.run(
        MODULES[program], arguments, folder=folder, environment=environment(**env)
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def alembic(*arguments: str, url: str | None = None, **env: str) -> Ended:
    return ran("alembic", *arguments, url=url, **env)


def refactor(*arguments: str, url: str | None = None, **env: str) -> Ended:
    return ran("membership-refactor", *arguments, url=url, **env)


@contextmanager
def running(program: str, *arguments: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """The program at work, in a process group of its own; ended with the block."""
    process = subprocess.Popen(
        [*command(program), "-x", f"url={url}", *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


def until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Returns when the condition is true; fails when it does not become so."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "the condition did not become true"
        time.sleep(0.05)


def query(url: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(libpq_url(url)) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def value(url: str, text: str) -> Any:
    return query(url, text)[0][0]


def filled(url: str) -> None:
    """For ``template_database``: the chain at 0002, with generated memberships."""
    done = alembic("upgrade", "0002", url=url)
    assert done.status == 0, done.err
    with psycopg.connect(libpq_url(url)) as connection:
        load(connection, rows=400)


def version(url: str) -> str | None:
    found = query(url, "SELECT version_num FROM alembic_version")
    return found[0][0] if found else None
