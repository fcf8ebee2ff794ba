"""``usage``: who uses the old structure, and when each gate opens."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from membership_refactor.cli.require_sqlglot import require_sqlglot
from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option

NAME = "usage"
HELP = "show who uses the old structure, and when each gate opens"
DESCRIPTION = (
    "Show who uses the old structure by which statement, when last and how often, and for each "
    "gate when it opens and what it waits for. Reads only what `watch` has recorded. Exit status: "
    "0, or 1 where somebody used what the next step takes away within the plan's window."
)
EXAMPLE = "membership-refactor usage --consumers consumers.toml"
FORMATS = ("text", "json", "csv")


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    parser.add_argument(
        "--consumers",
        metavar="FILE",
        help="TOML file that lists the consumers, to show whose role it is and where its "
        "statement stands",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 1 where somebody uses what the next step takes away."""
    require_sqlglot()
    # Only now, because they import the parser, which is an extra.
    from membership_refactor.watch import usage_text
    from membership_refactor.watch.places import read_places
    from membership_refactor.watch.usage import read_usage

    runner = context.runner()
    found = read_usage(runner, *read_places(options.consumers, runner.plan, runner.schema))
    for role in found.unknown_roles:
        print(f'The server has no role "{role}", which {options.consumers} names.', file=sys.stderr)
    as_ = usage_text.as_csv if context.format == "csv" else usage_text.as_text
    context.show(usage_text.as_values(found), context.named(as_(found)))
    return FINDINGS if found.in_use else FINE


def one_line(document: Any) -> str:
    """The document of JSON as one line."""
    asked = [gate for gate in document["gates"] if gate["asked"]]
    if not asked:
        return "no gate asks for evidence now"
    step = asked[0]["step"]
    reasons = [why for gate in asked if gate["step"] == step for why in gate["reasons"]]
    said = "; ".join(reasons) or f"the gate of {step} is open"
    return f"the old structure is in use; {said}" if document["in_use"] else said
