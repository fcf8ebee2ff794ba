"""One round over the server's log: who used what, and what the log cannot show."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.planning.targets import (
    deprecated_columns,
    old_meaning,
    old_shape,
)
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.watch import server_log
from membership_refactor.watch.attribution import Use
from membership_refactor.watch.ledger_rows import Seen
from membership_refactor.watch.log_files import NewRecords, Position, read_new
from membership_refactor.watch.old_shape_view import WHY
from membership_refactor.watch.place import Place
from membership_refactor.watch.samples import Earlier, Sample
from membership_refactor.watch.server_log import MISSING, NOT_LOGGED, SAID, Audit, Record
from membership_refactor.watch.server_marks import MARKS, role_settings
from membership_refactor.watch.statement_kinds import Kind, copied_out, kind_of
from membership_refactor.watch.statement_uses import seen_use
from membership_refactor.watch.ways import named_in

PATIENCE = 5.0
"""Seconds in which the line that a sample writes has to be in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRound:
    """What one round over the log has shown."""

    sample: Sample
    files: tuple[tuple[Any, ...], ...]
    seen: tuple[Seen, ...]
    blind: Mapping[str, tuple[str, ...]]
    """By target: why the log cannot show every use of it."""


def read_log(
    pg: Pg,
    sample: Sample,
    patterns: Sequence[str],
    before: Earlier | None,
    place: Place,
) -> LogRound:
    """Write a line into the log, and read all records up to it. A log in which it does not appear
    is not this server's, or not all of it."""
    token = secrets.token_hex(8)
    run(pg, f"SELECT pg_catalog.set_config('membership_refactor.said', {literal(token)}, false)")
    run(pg, server_log.SAY)
    known = [Position(*entry) for entry in before.files] if before is not None else None
    new = _until(token, patterns, known)
    settings = _settings(pg)
    holes = [*new.holes, *_changed_settings(new.records), *_of_settings(pg, settings)]
    if not any(r.message == SAID + token for r in new.records) and known is not None:
        holes.append("the line that this sample wrote is not in the log files")
    marks = {**dict(run(pg, MARKS).fetchall()), **settings}
    # What was logged before a step ran was written for the structure before it.
    last = before.marks.get("stage", place.stage.value) if before is not None else place.stage.value
    stages = tuple(dict.fromkeys((last, place.stage.value)))
    database = str(value(pg, "SELECT pg_catalog.current_database()"))
    found = replace(sample, marks=marks, holes=tuple(holes))
    return LogRound(
        sample=found,
        files=tuple(astuple(position) for position in new.files),
        seen=tuple(_seen(found, new.records, place, stages, database)),
        blind=dict(_blind(pg, settings, place)),
    )


def _until(token: str, patterns: Sequence[str], known: Sequence[Position] | None) -> NewRecords:
    """Read until the line is there. The server's collector writes it a moment later."""
    end = time.monotonic() + PATIENCE
    found = read_new(patterns, known)
    while known is not None and time.monotonic() < end:
        if any(record.message == SAID + token for record in found.records):
            break
        time.sleep(0.05)
        found = read_new(patterns, known)
    return found


def _settings(pg: Pg) -> dict[str, str]:
    names = ", ".join(map(literal, server_log.SETTINGS))
    query = f"SELECT s.name, s.setting FROM pg_catalog.pg_settings AS s WHERE s.name IN ({names})"
    return dict(run(pg, query).fetchall())


def _of_settings(pg: Pg, settings: Mapping[str, str]) -> Iterator[str]:
    if settings.get("log_min_messages") in ("log", "fatal", "panic"):
        yield f"log_min_messages is {settings['log_min_messages']}: errors are not logged"
    names = "|".join(re.escape(name) for name in server_log.OTHERS)
    rows = run(pg, role_settings(f"^({names})=")).fetchall()
    yield from (f"{who} has its own {setting}: reset it" for who, setting in rows)


def _changed_settings(records: Sequence[Record]) -> Iterator[str]:
    for record in records:
        if not record.role:
            for name in server_log.SETTINGS:
                if re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", record.message):
                    yield f"{name} was changed in between"


def _blind(
    pg: Pg, settings: Mapping[str, str], place: Place
) -> Iterator[tuple[str, tuple[str, ...]]]:
    auditor = settings.get("pgaudit.role") or ""
    loaded = re.split(r"[\s,\"]+", settings.get("shared_preload_libraries", ""))
    wrong = [
        f"{name} is {settings.get(name)}: set it to {wanted[0]}"
        for name, wanted in server_log.AUDIT_WANTED.items()
        if settings.get(name) not in wanted
    ]
    for target in place.targets:
        if target in (old_meaning(place.plan), old_shape(place.plan)):
            yield target, ()
        elif "pgaudit" not in loaded:
            yield (
                target,
                (
                    "the log shows no statements inside of functions without pgaudit in "
                    "shared_preload_libraries",
                ),
            )
        elif server_log.audits_sessions(settings.get("pgaudit.log", "")):
            yield target, tuple(wrong)
        elif not auditor:
            yield target, ("the log shows no statements inside of functions without pgaudit.role",)
        else:
            yield target, (*wrong, *_not_audited(pg, auditor, target, place))


def _not_audited(pg: Pg, auditor: str, target: str, place: Place) -> Iterator[str]:
    """What the auditor's role may not do, so that pgaudit does not log it."""
    plan, schema = place.plan, place.attribution.schema
    columns = target == deprecated_columns(plan)
    table = place.tables()[target]
    for privilege in ("SELECT", "INSERT", "UPDATE", *(() if columns else ("DELETE",))):
        # pgaudit records no whole row for a role that may read columns.
        by_column = columns and privilege != "SELECT"
        for name in plan.leaving if by_column else ("",):
            relation, role = literal(qualified(schema, table)), literal(auditor)
            of_column = f", {literal(name)}" if name else ""
            function = "has_column_privilege" if name else "has_table_privilege"
            granted = value(
                pg,
                f"SELECT pg_catalog.{function}({role}, {relation}{of_column}, '{privilege}')",
            )
            if not granted:
                shown = f" ({name})" if name else ""
                yield f"pgaudit's role {auditor} lacks {privilege}{shown} on {table}"


def _seen(
    sample: Sample,
    records: Sequence[Record],
    place: Place,
    stages: Sequence[str],
    database: str,
) -> Iterator[Seen]:
    counted: dict[Seen, int] = {}
    for record in records:
        if record.database != database:
            continue
        for text, use in _uses(record, place, stages):
            seen = seen_use(
                sample, use, role=record.role, text=text, uses=1, application=record.application
            )
            counted[seen] = counted.get(seen, 0) + 1
    yield from (Seen(**{**asdict(seen), "uses": times}) for seen, times in counted.items())


def _uses(record: Record, place: Place, stages: Sequence[str]) -> Iterator[tuple[str, Use]]:
    noted = place.old_shape.read(record) if place.old_shape is not None else None
    if place.old_shape is not None and noted is not None:
        yield noted, Use(place.old_shape.target, (), WHY)
        return
    if place.own.has(record.text, record.role, toplevel=True):
        return
    name = old_meaning(place.plan)
    table, schema = re.escape(place.plan.source), re.escape(place.attribution.schema)
    # The words of the message, and its quotes, are in the language of lc_messages.
    missing = re.search(rf"(?<![\w.])(?:{schema}\.)?{table}(?!\w)", record.message)
    if record.state in MISSING and missing and name in place.targets:
        yield record.text or record.message, Use(name, (), "it failed: the table is not there")
        return
    audit = record.audit
    if audit is not None:
        yield from _audited(record, audit, place, stages)
    elif record.text and _is_use(record, record.text, place):
        failed = f"it failed with {record.state}" if record.severity == "ERROR" else ""
        for use in place.uses(record.text, stages):
            why = "; ".join(filter(None, (use.why, failed)))
            yield record.text, Use(use.target, use.columns, why)


def _is_use(record: Record, text: str, place: Place, *, toplevel: bool = True) -> bool:
    kind = kind_of(text, record.role, place.own, toplevel=toplevel, dumps=False)
    return kind is Kind.USE


def _audited(
    record: Record, audit: Audit, place: Place, stages: Sequence[str]
) -> Iterator[tuple[str, Use]]:
    """pgaudit does not say which function runs a statement, and its role is the session's. So what
    a function of the tool runs is told by its text alone."""
    text = audit.statement
    tables = {
        target: table
        for target, table in place.tables().items()
        if audit.is_about(place.attribution.schema, table)
    }
    if text in NOT_LOGGED:
        if record.role not in place.own.roles:
            yield from ((text, Use(target, (), "its text was not logged")) for target in tables)
        return
    dumped = record.application.startswith("pg_dump") and place.is_whole(copied_out(text))
    if dumped or place.own.has_body(text) or not _is_use(record, text, place, toplevel=False):
        return
    found = {use.target: use for use in place.uses(text, stages)}
    for target, table in tables.items():
        # There is a record of every statement that reads any column of the child.
        if target != deprecated_columns(place.plan) or not named_in(text, [table.lower()]):
            found.setdefault(target, Use(target, (), "through another name"))
    yield from ((text, use) for use in found.values())
