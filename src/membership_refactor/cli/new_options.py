"""The options of ``new``, and the wishes that they say."""

from __future__ import annotations

import argparse

from membership_refactor.errors import WrongUse
from membership_refactor.planning import Conflict, ParentColumn
from membership_refactor.propose.draft import Wishes


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add everything that ``new`` takes."""
    parser.add_argument("table", metavar="TABLE", help="the wide table, or SCHEMA.TABLE")
    plan = parser.add_argument_group("the plan", "What is not given is proposed.")
    plan.add_argument("--key", type=_names, default=(), metavar="A,B", help="the key's columns")
    plan.add_argument("--parent", default="", metavar="NAME", help="name of the parent's table")
    plan.add_argument("--child", default="", metavar="NAME", help="name of the child's table")
    plan.add_argument(
        "--in-place", action="store_true", help="the table itself becomes the child, with its name"
    )
    plan.add_argument(
        "--rename-to", default="", metavar="NAME", help="do not split; give the table this name"
    )
    plan.add_argument(
        "--parent-columns",
        type=_names,
        default=(),
        metavar="C[:POLICY],…",
        help=f"columns that move to the parent; the policy is one of {', '.join(Conflict)}",
    )
    plan.add_argument(
        "--child-columns",
        type=_names,
        default=(),
        metavar="C,…",
        help="columns that stay with the child although they agree",
    )
    plan.add_argument(
        "--keep",
        type=_names,
        default=(),
        metavar="A,…",
        help="key columns that the child keeps as well, equal to its parent's",
    )
    plan.add_argument(
        "--changed", default="", metavar="C", help="the column with the time of the last change"
    )
    plan.add_argument("--plan-name", default="", metavar="NAME", help="the plan's name")
    files = parser.add_argument_group("the files")
    files.add_argument(
        "--plan-module", default="", metavar="MODULE", help="the plan's module (must not exist)"
    )
    files.add_argument(
        "--head", default="", metavar="REV", help="the head or branch that the revisions follow"
    )
    files.add_argument("--yes", action="store_true", help="take the proposal and write, unasked")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=25.0,
        metavar="N",
        help="how long to search for keys (default 25)",
    )


_OF_A_SPLIT = ("key", "parent", "child", "in_place", "parent_columns", "child_columns", "keep")


def wishes_of(options: argparse.Namespace) -> Wishes:
    """Read the wishes. Raises WrongUse for options that contradict each other."""
    if options.rename_to:
        for option in _OF_A_SPLIT:
            if getattr(options, option):
                raise WrongUse(
                    f"--rename-to does not go with --{option.replace('_', '-')}.",
                    hint="Rename the table, or split it.",
                )
    if options.in_place and options.child:
        raise WrongUse(
            "--in-place does not go with --child.", hint="In place the table keeps its name."
        )
    return Wishes(
        key=options.key,
        parent=options.parent,
        child=options.child,
        in_place=options.in_place,
        rename=options.rename_to,
        name=options.plan_name,
        parent_columns=tuple(map(_parent_column, options.parent_columns)),
        child_columns=options.child_columns,
        keep=options.keep,
        changed=options.changed,
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _parent_column(text: str) -> ParentColumn:
    name, colon, policy = text.rpartition(":")
    if not colon:
        return ParentColumn(name=text)
    if policy not in [*Conflict]:
        raise WrongUse(
            f"--parent-columns {text}: unknown policy {policy}.",
            hint=f"Known: {', '.join(Conflict)}.",
        )
    return ParentColumn(name=name, conflict=Conflict(policy))
