"""``duplicates``: list rows of the same learner, contradictions, and keys that look alike."""

from __future__ import annotations

import argparse
import csv
import gc
import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from membership_refactor.cli.identity_options import add_identity_options, chosen_plan
from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.enrollment.detect import findings
from membership_refactor.enrollment.duplicate_findings import Finding, Kind
from membership_refactor.planning import Alternative, UniqueIdentity
from membership_refactor.sql.unique_identity.names import IdentityNames

NAME = "duplicates"
HELP = "list enrollments that share an identity, or have none"
DESCRIPTION = (
    "List enrollments that share an identity, have none, or have keys that differ only in case or "
    "blanks. Reads only. Exit status: 0 where nothing is found, 1 otherwise."
)
EXAMPLE = "membership-refactor duplicates --format csv > duplicates.csv"
FORMATS = ("text", "json", "csv")

_MEANING = {
    Kind.MERGEABLE: "rows of the same learner; `merge-duplicates` merges them",
    Kind.CONTRADICTORY: "rows that share an identity and contradict each other; decide by hand",
    Kind.UNIDENTIFIED: "rows without any identity",
    Kind.SPELLINGS: "keys that differ only in case or blanks; no constraint catches them",
    Kind.PADDED: "keys that have blanks around them",
    Kind.BLANK: "values that identify nobody (blank, or a listed word); they are never merged",
    Kind.STATUS: "statuses outside the list",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit",
        type=int,
        default=20,
        metavar="N",
        help="findings of each kind in the text (default 20); JSON and CSV list all",
    )
    add_identity_options(parser)


def run(options: argparse.Namespace, context: Context) -> int:
    # Findings are many small objects. Without this, every garbage collection would also scan the
    # imported modules, and double the time.
    gc.freeze()
    with context.engine().connect() as connection, connection.begin():
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        plan = chosen_plan(options, connection, context.schema, merging=False)
        found = findings(connection, plan, context.schema)
        names = IdentityNames(plan, context.schema)
        show = {"json": _json, "csv": _csv}.get(context.format)
        counts = show(names, found) if show else _text(names, found, options.limit)
    return FINDINGS if counts else FINE


def as_dict(names: IdentityNames, finding: Finding) -> dict[str, Any]:
    """The finding for JSON. Values that JSON has no type for become text."""
    plan = names.plan
    made: dict[str, Any] = {
        "kind": finding.kind.value,
        "scope": dict(zip(plan.scope, map(_plain, finding.scope), strict=True)),
        "rows": [
            {
                plan.id: _plain(member.id),
                **dict(zip(plan.identity_columns, map(_plain, member.identities), strict=True)),
                **({plan.status.column: member.status} if plan.status else {}),
                "dependents": member.children,
            }
            for member in finding.members
        ],
    }
    if finding.detail:
        made["detail"] = finding.detail
    if finding.identity:
        made["update"] = names.clear_blanks(finding.identity)
    if finding.collisions:
        made["collisions"] = [
            {
                "table": collision.table,
                "key": [_plain(value) for value in collision.key],
                "ids": [_plain(value) for value in collision.ids],
                "agree": collision.agree,
            }
            for collision in finding.collisions
        ]
    return made


def _json(names: IdentityNames, found: Iterator[Finding]) -> Counter[str]:
    counts: Counter[str] = Counter()
    out = sys.stdout
    out.write(f'{{"table": {json.dumps(names.plan.table)}, "findings": [')
    for finding in found:
        out.write(",\n" if counts else "\n")
        counts[finding.kind.value] += 1
        out.write(json.dumps(as_dict(names, finding)))
    out.write(f'\n], "counts": {json.dumps(counts)}}}\n')
    return counts


def _csv(names: IdentityNames, found: Iterator[Finding]) -> Counter[str]:
    counts: Counter[str] = Counter()
    plan = names.plan
    writer = csv.writer(sys.stdout)
    header = ("finding", "kind", plan.id, *plan.identity_columns, *plan.scope, "status", "detail")
    writer.writerow(header)
    for number, finding in enumerate(found, start=1):
        counts[finding.kind.value] += 1
        for member in finding.members:
            values = (member.id, *member.identities, *finding.scope, member.status)
            shown = ["" if value is None else str(value) for value in values]
            writer.writerow([number, finding.kind.value, *shown, _detail(finding)])
    return counts


def _text(names: IdentityNames, found: Iterator[Finding], limit: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    first: dict[Kind, list[Finding]] = {}
    blank: set[Alternative] = set()
    plan = names.plan
    for finding in found:
        counts[finding.kind.value] += 1
        if finding.identity:
            blank.add(finding.identity)
        if len(kept := first.setdefault(finding.kind, [])) < limit:
            kept.append(finding)
    # In a file or a pipe the table is as wide as its longest values, so that none is cut.
    width = None if sys.stdout.isatty() else 100_000
    console = Console(file=sys.stdout, highlight=False, markup=False, width=width)
    if not counts:
        console.print(f"{plan.table}: every row has an identity, and no identity occurs twice.")
    for kind in Kind:
        if kind not in first:
            continue
        number = counts[kind.value]
        more = f", the first {limit}" if number > limit else ""
        console.print(f"{number} {kind.value}: {_MEANING[kind]}{more}")
        console.print(_table(plan, first[kind]))
    for alternative in plan.alternatives:
        if alternative in blank:
            console.print("Make these values NULL:")
            console.print(f"  {names.clear_blanks(alternative)};", soft_wrap=True)
    return counts


def _table(plan: UniqueIdentity, found: list[Finding]) -> Table:
    table = Table()
    for column in (*plan.scope, plan.id, *plan.identity_columns, "status", "detail"):
        table.add_column(column, overflow="fold")
    for finding in found:
        for at, member in enumerate(finding.members):
            last = at == len(finding.members) - 1
            values = (*finding.scope, member.id, *member.identities, member.status)
            shown = ["" if value is None else str(value) for value in values]
            table.add_row(*shown, _detail(finding) if at == 0 else "", end_section=last)
    return table


def _detail(finding: Finding) -> str:
    said = [finding.detail] if finding.detail else []
    for collision in finding.collisions:
        key = ", ".join(str(value) for value in collision.key)
        ids = ", ".join(str(value) for value in collision.ids)
        verdict = "collide" if collision.agree else "collide and contradict each other"
        said.append(f"{collision.table} {ids} ({key}) {verdict}")
    return "; ".join(said)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str | bool | None) else str(value)
