"""``merge-duplicates``: merge rows of the same learner; a dry run unless ``--apply`` is given."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace

from rich.progress import Progress, TextColumn
from sqlalchemy import Connection

from membership_refactor.cli.identity_options import add_identity_options, chosen_plan
from membership_refactor.cli.merge_report import show
from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.counts import counted
from membership_refactor.enrollment.cursor import rows
from membership_refactor.enrollment.label import label
from membership_refactor.enrollment.merge import BATCH, merge, planned
from membership_refactor.enrollment.plan_from_catalog import dependent_from_catalog
from membership_refactor.enrollment.undo import undo, where_is
from membership_refactor.errors import WrongUse
from membership_refactor.planning import Keep, SurvivorRule, UniqueIdentity
from membership_refactor.sql.unique_identity import merge_rows
from membership_refactor.sql.unique_identity.names import IdentityNames

NAME = "merge-duplicates"
HELP = "merge enrollments of the same learner; a dry run without --apply"
DESCRIPTION = (
    "Merge enrollments of the same learner into one row, and move what refers to them. Without "
    "--apply it tries the same in transactions that it rolls back, and shows what it would do; "
    "--undo changes rows at once. Every move is recorded and can be undone. Exit status: 0, or 1 "
    "where rows are left to merge or to decide, or a reference is not declared."
)
EXAMPLE = "membership-refactor merge-duplicates --apply --reason 'ticket 4711'"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--apply", action="store_true", help="change the rows and record every move"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--undo", type=int, metavar="RUN", help="undo the merges of this run, at once"
    )
    what.add_argument("--where", metavar="ID", help="show which row a merged row became part of")
    what.add_argument(
        "--label",
        metavar="PREFIX",
        help="give each row without identity the key PREFIX<id> instead; needs --apply",
    )
    parser.add_argument(
        "--survivor",
        metavar="RULE,...",
        help=f"which row is kept; the first rule that decides counts (default "
        f"{','.join(SurvivorRule)})",
    )
    parser.add_argument(
        "--keep-status",
        choices=tuple(Keep),
        help="status of the row that is kept: its own (survivor, the default) or the best of all",
    )
    parser.add_argument("--reason", help="text that is recorded with the run (default 'merge')")
    parser.add_argument(
        "--dependent",
        metavar="TABLE.COLUMN",
        action="append",
        default=[],
        help="a column without foreign key that holds ids of the table; its rows move with a "
        "merge; repeat the option for each",
    )
    parser.add_argument(
        "--leave",
        metavar="TABLE.COLUMN",
        action="append",
        default=[],
        help="a column that looks like a reference and stays as it is; needs --reason; repeat the "
        "option for each",
    )
    parser.add_argument(
        "--batch-rows",
        type=int,
        metavar="N",
        help=f"learners per transaction (default {BATCH}); overrides -x batch-rows",
    )
    add_identity_options(parser)


def run(options: argparse.Namespace, context: Context) -> int:
    batch = options.batch_rows
    if batch is None:
        batch = context.request.options.batch_rows or BATCH
    if batch < 1:
        raise WrongUse("--batch-rows must be at least 1.")
    engine = context.engine()
    if options.leave and not options.reason:
        raise WrongUse("--leave needs --reason TEXT, which is recorded with the run.")
    with engine.connect() as connection:
        plan = _adjusted(chosen_plan(options, connection, context.schema, merging=True), options)
        plan = _declared(connection, context.schema, plan, options)
        if options.where is not None:
            found = where_is(connection, plan, context.schema, options.where)
            context.show(
                asdict(found) if found else None,
                f"{options.where} was merged into {found.survivor} by run {found.run} "
                f"({found.when:%F %T %Z})"
                if found
                else f"{options.where} was not removed by any merge, or the merge was undone",
            )
            return FINE if found else FINDINGS
    if not options.apply and options.undo is None and options.label is None:
        report = planned(engine, plan, context.schema, batch=batch)
        show(context, plan, report, applied=False)
        with engine.connect() as connection:
            _note_unindexed(connection, plan, context.schema)
        return FINDINGS if report.decisions or report.left or report.references else FINE
    if options.undo is not None:
        return _undo(options, context, plan)
    if options.label is not None:
        if not options.apply:
            raise WrongUse("--label changes rows; add --apply.")
        count, number = label(engine, plan, context.schema, prefix=options.label, batch=batch)
        context.show(
            {"labelled": count, "run": number},
            f"{counted(count, 'row')} got a key (run {number})",
        )
        return FINE
    with Progress(
        TextColumn("{task.description}"), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("")
        report = merge(
            engine,
            plan,
            context.schema,
            reason=_reason(options),
            batch=batch,
            progress=lambda merged: bar.update(
                task, description=f"{counted(merged, 'learner')} merged"
            ),
        )
    show(context, plan, report, applied=True)
    return FINDINGS if report.left else FINE


def _note_unindexed(connection: Connection, plan: UniqueIdentity, schema: str) -> None:
    """Warn where a batch has to read the whole table to find rows that were added meanwhile."""
    found = rows(connection, merge_rows.unindexed_identities(IdentityNames(plan, schema)))
    if found:
        columns = ", ".join(column for (column,) in found)
        print(
            f"{columns}: no index, so --apply reads all of {plan.table} for every batch. If that "
            "takes long, CREATE INDEX CONCURRENTLY first, or use a larger --batch-rows.",
            file=sys.stderr,
        )


def _adjusted(plan: UniqueIdentity, options: argparse.Namespace) -> UniqueIdentity:
    if options.survivor:
        try:
            rules = tuple(SurvivorRule(rule.strip()) for rule in options.survivor.split(","))
        except ValueError as error:
            raise WrongUse(
                f"--survivor: {error}.", hint=f"The rules are {', '.join(SurvivorRule)}."
            ) from None
        plan = replace(plan, survivor=rules)
    if options.keep_status:
        if plan.status is None:
            raise WrongUse("--keep-status needs --status COLUMN=BEST,NEXT,...")
        plan = replace(plan, status=replace(plan.status, keep=Keep(options.keep_status)))
    return plan


def _declared(
    connection: Connection, schema: str, plan: UniqueIdentity, options: argparse.Namespace
) -> UniqueIdentity:
    """Return the plan with the tables of ``--dependent``, and with what ``--leave`` names."""
    more = []
    for place in options.dependent:
        table, dot, column = place.rpartition(".")
        if not dot or "." in table:
            raise WrongUse(
                f"--dependent {place}: it has to be TABLE.COLUMN, a table of schema {schema}."
            )
        more.append(dependent_from_catalog(connection, schema, table, column))
    return replace(plan, dependents=(*plan.dependents, *more), leave=(*plan.leave, *options.leave))


def _reason(options: argparse.Namespace) -> str:
    left = f" (left as they are: {', '.join(options.leave)})" if options.leave else ""
    return f"{options.reason or 'merge'}{left}"


def _undo(options: argparse.Namespace, context: Context, plan: UniqueIdentity) -> int:
    report = undo(context.engine(), plan, context.schema, options.undo)
    refused = "".join(
        f"\n  {survivor} stays merged: {why}" for survivor, why in report.refused.items()
    )
    context.show(asdict(report), f"{counted(report.undone, 'merge')} undone{refused}")
    return FINDINGS if report.refused else FINE
