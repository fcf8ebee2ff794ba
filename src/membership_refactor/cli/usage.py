"""``usage``: who uses what goes, and when each gate opens."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option
from membership_refactor.planning import Stage
from membership_refactor.scan.parse.require_sqlglot import require_sqlglot

NAME = "usage"
HELP = "show who uses the old structure, and when each gate opens"
DESCRIPTION = (
    "Show who uses the old structure by which statement, when last and how often, and for each "
    "gate when it opens and what it waits for. Reads only what `watch` has recorded. Exit status: "
    "0, or 1 where somebody used what goes next within the plan's window."
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
    """Return 1 where somebody uses what goes next."""
    require_sqlglot()
    # Only now, because they import the parser, which is an extra.
    from membership_refactor.scan.consumers import read_consumers
    from membership_refactor.watch import usage_text
    from membership_refactor.watch.places import places_of
    from membership_refactor.watch.usage import read_usage

    runner = context.runner()
    consumers = read_consumers(Path(options.consumers), runner.plan) if options.consumers else ()
    places = places_of(consumers, runner.plan, Stage.COPY, runner.schema) if consumers else {}
    found = read_usage(runner, consumers, places)
    for role in found.unknown_roles:
        print(f'The server has no role "{role}", which {options.consumers} names.', file=sys.stderr)
    if context.format == "json":
        print(json.dumps(usage_text.as_values(found), indent=2, default=str))
    else:
        as_ = usage_text.as_csv if context.format == "csv" else usage_text.as_text
        print(context.named(as_(found)))
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
