"""Read one server: its marks, and what pg_stat_statements shows of it. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import psycopg

from membership_refactor.execution.sessions import Pg, run
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.watch import pg_stat_statements as statistics
from membership_refactor.watch.samples import Count, Sample
from membership_refactor.watch.server_marks import MARKS, STANDBYS
from membership_refactor.watch.statement_kinds import Kind, OwnTexts, kind_of
from membership_refactor.watch.ways import FUNCTIONS, Edge, edges


def read_statistics(
    pg: Pg, server: str, at: datetime, every: float | None, words: tuple[str, ...]
) -> Sample:
    """Sample pg_stat_statements of that server. What is missing becomes a hole."""
    found = Sample(source=statistics.NAME, server=server, at=at, every=every)
    schema, version, track, sees_all = run(pg, statistics.EXTENSION).fetchall()[0]
    marks = dict(run(pg, MARKS).fetchall())
    missing = statistics.missing(schema, version, track)
    if missing is not None:
        return replace(found, marks=marks, holes=(missing,))
    try:
        marks["evictions"], marks["statistics reset"] = run(pg, statistics.info(schema)).fetchall()[
            0
        ]
        settings = dict(run(pg, statistics.SETTINGS).fetchall())
        rows = run(pg, statistics.statements(schema, words)).fetchall()
    except psycopg.Error as error:
        why = f"pg_stat_statements cannot be read: {error.diag.message_primary or error}"
        return replace(found, marks=marks, holes=(why,))
    hidden = sum(text == statistics.HIDDEN for *_, text in rows)
    holes = statistics.holes(
        settings,
        run(pg, statistics.OVERRIDES).fetchall(),
        sees_all=sees_all,
        hidden=hidden,
        lost=sum(text is None for *_, text in rows),
    )
    counts = {
        key: Count(role=role, text=text, calls=calls, toplevel=toplevel)
        for key, role, toplevel, calls, text in rows
        if text not in (None, statistics.HIDDEN)
    }
    settings.pop("pg_stat_statements.max", None)
    return replace(
        found,
        marks={**marks, **settings, **_traces(counts)},
        holes=holes,
        counts=counts,
    )


def _traces(counts: Mapping[str, Count]) -> dict[str, str]:
    """What statements show that touch the statistics themselves: how often each was run."""
    nothing = OwnTexts("")
    seen = {"entries reset": 0, "tracking set": 0}
    for count in counts.values():
        kind = kind_of(count.text, count.role, nothing, toplevel=count.toplevel, dumps=False)
        if kind is Kind.RESET:
            seen["entries reset"] += count.calls
        elif kind is Kind.TRACKING:
            seen["tracking set"] += count.calls
    return {name: str(calls) for name, calls in seen.items()}


def own_texts(pg: Pg, ledger: str) -> OwnTexts:
    """The bodies of the tool's functions, and the roles that may act as their owner."""
    rows = run(
        pg,
        "SELECT p.prosrc FROM pg_catalog.pg_proc AS p "
        f"WHERE p.pronamespace = pg_catalog.to_regnamespace({literal(ident(ledger))})",
    ).fetchall()
    roles = run(
        pg,
        "SELECT r.rolname::text FROM pg_catalog.pg_roles AS r, pg_catalog.pg_namespace AS n\n"
        f"WHERE n.nspname = {literal(ledger)} "
        "AND pg_catalog.pg_has_role(r.oid, n.nspowner, 'MEMBER')",
    ).fetchall()
    return OwnTexts.of(ledger, (name for (name,) in roles), (body for (body,) in rows))


def edges_of(pg: Pg, ledger: str) -> tuple[Edge, ...]:
    """Everything in the database that reads a table or calls a function by a name of its own, less
    the tool's own view."""
    return tuple(Edge(*row) for row in run(pg, edges(ledger)).fetchall())


def functions_of(pg: Pg) -> list[tuple[str, str, bool]]:
    """Name and body of each function in SQL or PL/pgSQL, and whether it is in SQL."""
    return run(pg, FUNCTIONS).fetchall()


def receivers_of(pg: Pg) -> list[tuple[str, str, str]]:
    """Name, slot and address of whatever receives the WAL of this server."""
    return run(pg, STANDBYS).fetchall()


def not_a_standby(sample: Sample, primary: Sample) -> str | None:
    """Why a server that was named as a standby of the primary is none."""
    if sample.marks.get("in recovery") != "true":
        return f"{sample.server} is not a standby: name the standby itself with --standby"
    identifier = "system identifier"
    if sample.marks.get(identifier) != primary.marks.get(identifier):
        return f"{sample.server} is a standby of another server: name one of this server"
    return None


def unnamed_standbys(
    receivers: Iterable[tuple[str, str, str]], *, sampled: int, no_readers: tuple[str, ...]
) -> tuple[str, ...]:
    """A hole where more servers receive the WAL, from the primary or a standby, than are
    sampled."""
    found = [
        (name, slot, host)
        for name, slot, host in receivers
        if name not in no_readers and slot not in no_readers
    ]
    if len(found) <= sampled:
        return ()
    shown = ", ".join(f"{name} ({host})" for name, _, host in found[:5])
    return (
        f"{len(found)} standbys receive the WAL and {sampled} are sampled: {shown}. Name each with "
        "--standby URL, or with --no-readers NAME if nobody can read there",
    )
