"""The options by which ``duplicates`` and ``merge`` are pointed at a table that is not ours."""

from __future__ import annotations

import argparse
from dataclasses import replace

from sqlalchemy import Connection

from membership_refactor.enrollment.foreign import foreign_plan, ranking
from membership_refactor.enrollment.in_use import plan_in_use
from membership_refactor.errors import WrongUse
from membership_refactor.planning import UniqueIdentity


def add_identity_options(parser: argparse.ArgumentParser) -> None:
    """``--table``, ``--identity``, ``--scope`` and ``--status``, in this order."""
    group = parser.add_argument_group(
        "another table", "Without these, the table of program enrollments."
    )
    group.add_argument("--table", metavar="NAME", help="its bare name, in the schema given by -x")
    group.add_argument(
        "--identity",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a nullable identity column; once for each, the one of realised rows first",
    )
    group.add_argument(
        "--scope",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a column within whose values an identity is unique; once for each",
    )
    group.add_argument(
        "--status",
        metavar="COLUMN=BEST,NEXT,...",
        help="the known values of a status column, the one to keep first",
    )


def chosen_plan(
    options: argparse.Namespace, connection: Connection, schema: str, *, merging: bool
) -> UniqueIdentity:
    """The shipped plan, or one for the table that the options name."""
    if not options.table:
        if options.identity or options.scope:
            raise WrongUse("--identity and --scope describe a table, and --table is not given.")
        shipped = plan_in_use(connection, schema)
        return replace(shipped, status=ranking(options.status)) if options.status else shipped
    if not options.identity:
        raise WrongUse(
            "--table needs at least one --identity.",
            hint="Such as --identity user_id --identity email --scope course_id.",
        )
    return foreign_plan(
        connection,
        schema,
        options.table,
        identities=options.identity,
        scope=options.scope,
        status=ranking(options.status),
        merging=merging,
    )
