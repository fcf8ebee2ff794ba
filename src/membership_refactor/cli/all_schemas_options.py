"""The options of ``--all-schemas``, for verbs and for commands of Alembic."""

from __future__ import annotations

import argparse

OF_ALEMBIC = ("upgrade", "downgrade")
"""The commands of Alembic that have the option."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--all-schemas`` and what belongs to it."""
    group = parser.add_argument_group("many tenants")
    group.add_argument(
        "--all-schemas",
        metavar="PATTERN",
        help="run in each schema whose name is LIKE this, such as 'tenant_%%', and print one line "
        "for each; status 0 where all is well, 1 where a schema failed or has findings",
    )
    group.add_argument(
        "--except",
        dest="excepted",
        metavar="PATTERN",
        action="append",
        default=[],
        help="leave out the schemas whose names are LIKE this; repeat the option for each",
    )
    group.add_argument(
        "--parallel",
        metavar="N",
        type=int,
        default=1,
        help="schemas at a time, each by a process of its own (default 1)",
    )


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add ``--format`` to a command of Alembic, which prints no data for one schema."""
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="form of the output of --all-schemas on standard output (default text)",
    )
