"""The options with which ``duplicates`` and ``merge-duplicates`` work on another table."""

from __future__ import annotations

import argparse
from dataclasses import replace

from sqlalchemy import Connection, text

from membership_refactor.enrollment.plan_from_catalog import plan_from_catalog, ranking
from membership_refactor.enrollment.plan_in_use import plan_in_use
from membership_refactor.errors import WrongUse
from membership_refactor.planning import UniqueIdentity
from membership_refactor.sql.quoting import qualified


def add_identity_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--table``, ``--identity``, ``--scope``, ``--no-identity`` and ``--status``."""
    group = parser.add_argument_group(
        "another table", "Without these options, the table of program enrollments is used."
    )
    group.add_argument(
        "--table",
        metavar="NAME",
        help="name of the table, without its schema (-x schema= gives that)",
    )
    group.add_argument(
        "--identity",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a column that identifies a person and may be NULL; repeat the option for each, the "
        "most certain first",
    )
    group.add_argument(
        "--scope",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a column within which an identity may occur only once; repeat the option for each",
    )
    group.add_argument(
        "--no-identity",
        metavar="WORD",
        action="append",
        default=[],
        help="a word that stands for a missing identity, such as N/A, without letter case; repeat "
        "the option for each",
    )
    group.add_argument(
        "--status",
        metavar="COLUMN=BEST,NEXT,...",
        help="a status column and its values, best first; a merge prefers the better one",
    )


def chosen_plan(
    options: argparse.Namespace, connection: Connection, schema: str, *, merging: bool
) -> UniqueIdentity:
    """Return the shipped plan, or one for the table that the options name."""
    plan = _plan(options, connection, schema, merging=merging)
    return replace(plan, no_identity=(*plan.no_identity, *options.no_identity))


def _plan(
    options: argparse.Namespace, connection: Connection, schema: str, *, merging: bool
) -> UniqueIdentity:
    if not options.table:
        if options.identity or options.scope:
            raise WrongUse("--identity and --scope need --table.", hint="Add --table NAME.")
        shipped = plan_in_use(connection, schema)
        table = qualified(schema, shipped.table)
        if connection.scalar(text("SELECT pg_catalog.to_regclass(:name)"), {"name": table}) is None:
            raise WrongUse(
                f"there is no table {table} here.",
                hint="Name yours: --table NAME --identity COLUMN. Or choose another schema or "
                "database: -x schema=NAME, -x url=URL.",
            )
        return replace(shipped, status=ranking(options.status)) if options.status else shipped
    if not options.identity:
        raise WrongUse(
            "--table needs at least one --identity.",
            hint="For example: --identity user_id --identity email --scope course_id.",
        )
    return plan_from_catalog(
        connection,
        schema,
        options.table,
        identities=options.identity,
        scope=options.scope,
        status=ranking(options.status),
        merging=merging,
    )
