"""Other tools on the same table, on the same server, in the same run.

psycopack is run from its source, which ``PSYCOPACK_SRC`` names, because no package index has it.
pg_repack is run where the server has its extension (Debian: postgresql-15-repack). Of pgroll only
the mechanics are measured. A tool that is not there is named with the reason.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import offline, pgroll
from benchmarks.chain import runner_of
from benchmarks.measure import Cost, measured
from benchmarks.place import TOOL_SESSION, Place, binaries
from benchmarks.target import NAMES, prepare, target
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.ddl.constraints import create_foreign_keys
from membership_refactor.sql.ddl.copy_portrait import cloned
from membership_refactor.sql.quoting import columns as listed
from tests.fixtures.steps import step_of

OFFLINE_COPY, OURS = "offline copy", "0003, no checks"
SOURCE = "PSYCOPACK_SRC"
BATCH = 5_000
PSYCOPACK = """
import sys
import psycopack
with psycopack.get_db_connection(sys.argv[1]) as connection:
    with psycopack.get_cursor(connection) as cursor:
        psycopack.Psycopack(
            table=sys.argv[2], batch_size=int(sys.argv[3]), conn=connection, cur=cursor
        ).full()
"""


@dataclass(slots=True)
class Peers:
    """What each tool cost, every repeat, and why others did not run."""

    rows: int
    costs: dict[str, list[Cost]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def measure(place: Place, *, repeats: int, say: Callable[[str], None]) -> Peers:
    """Every tool that is there, shuffled within each repeat."""
    found, chance = Peers(place.rows), random.Random(3)
    trials = dict(TRIALS)
    for name, missing in (("psycopack", _no_psycopack()), ("pg_repack", _no_repack(place))):
        if missing is not None:
            say(f"peers: {name} does not run: {missing}")
            found.absent[name] = missing
            del trials[name]
    for repeat in range(repeats):
        order = list(trials)
        chance.shuffle(order)
        for name in order:
            say(f"peers, repeat {repeat + 1}: {name}")
            with place.fresh("peer") as database:
                found.costs.setdefault(name, []).append(trials[name](place, database))
    return found


def _offline(place: Place, database: str) -> Cost:
    """The cheapest copy of the table as it is: nobody writes, indexes after the rows."""
    source = target(place, database).source
    copy = cloned(source, name=SPLIT.child, link="")
    texts = [
        *offline.copied(copy, listed([c.name for c in source.columns], "a.")),
        *(s.text for s in create_foreign_keys(copy)),
    ]
    with (
        place.connect(database, **TOOL_SESSION) as connection,
        measured(connection, place.postmaster) as cost,
    ):
        for text in texts:
            connection.execute(text.encode())
    return cost


def _ours(place: Place, database: str) -> Cost:
    runner = runner_of(place, database, workers=1, checks=False)
    with place.connect(database) as look, measured(look, place.postmaster) as cost:
        runner.upgrade(step_of("0003"))
    return cost


def _pgroll(place: Place, database: str) -> Cost:
    wanted = target(place, database)
    with place.connect(database, **TOOL_SESSION) as connection:
        prepare(connection, wanted)
        with measured(connection, place.postmaster) as cost:
            pgroll.add_link(connection, wanted)
    return cost


def _psycopack(place: Place, database: str) -> Cost:
    table, environment = SPLIT.source, {**os.environ, "PYTHONPATH": str(_psycopack_source())}
    arguments = (place.dsn(database), table, str(BATCH))
    return _rewritten(place, database, [sys.executable, "-c", PSYCOPACK, *arguments], environment)


def _repack(place: Place, database: str) -> Cost:
    server = place.launched.server
    with place.connect(database) as connection:
        connection.execute("CREATE EXTENSION pg_repack")
    command = [str(binaries().program("pg_repack")), "--no-order", f"--table={NAMES.source}"]
    where = [f"--host={server.host}", f"--port={server.port}", "--username=postgres", database]
    return _rewritten(place, database, [*command, *where], dict(os.environ))


def _rewritten(
    place: Place, database: str, command: list[str], environment: dict[str, str]
) -> Cost:
    """The cost of a command that must leave all rows of the source in another file."""
    look = f"SELECT pg_catalog.pg_relation_filenode('{NAMES.source}'), "
    look += f"(SELECT pg_catalog.count(*) FROM {NAMES.source})"
    with place.connect(database, **TOOL_SESSION) as connection:
        before = connection.execute(look.encode()).fetchone()
        with measured(connection, place.postmaster) as cost:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
        after = connection.execute(look.encode()).fetchone()
    assert before is not None and after is not None
    if done.returncode or after[0] == before[0] or after[1] != before[1]:
        raise RuntimeError(f"{Path(command[0]).name} did not copy the table: {done.stderr}")
    return cost


def _psycopack_source() -> Path | None:
    """The folder to import it from."""
    named = os.environ.get(SOURCE)
    folders = (Path(named), Path(named, "src")) if named else ()
    return next((f for f in folders if (f / "psycopack" / "__init__.py").exists()), None)


def _no_psycopack() -> str | None:
    if _psycopack_source() is not None:
        return None
    return f"{SOURCE} names no folder with its source. No package index has it."


def _no_repack(place: Place) -> str | None:
    with place.connect("postgres") as connection:
        found = connection.execute(
            "SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_repack'"
        ).fetchone()
    if found is not None and binaries().program("pg_repack").exists():
        return None
    return "The server does not have it. Debian's package is postgresql-15-repack."


PGROLL = "pgroll's mechanics"
TRIALS: dict[str, Callable[[Place, str], Cost]] = {
    OFFLINE_COPY: _offline,
    OURS: _ours,
    "psycopack": _psycopack,
    "pg_repack": _repack,
    PGROLL: _pgroll,
}
