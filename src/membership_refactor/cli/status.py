"""``status``: show the current revision, an open step with its progress, and the gates."""

from __future__ import annotations

import argparse
import json

from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option
from membership_refactor.inspect import status_text as standing
from membership_refactor.inspect.status import read_standing

NAME = "status"
HELP = "show the current revision, an open step and its progress, gates, checks"
DESCRIPTION = (
    "Show which steps have run, an open step with its progress and how to end it, what the gates "
    "say, and the last result of each check. Reads only. Exit status: 0, or 1 where a step is open."
)
EXAMPLE = "membership-refactor status"


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 1 where a step is open."""
    found = read_standing(context.runner())
    if context.format == "json":
        print(json.dumps(standing.as_values(found), indent=2, default=str))
    else:
        print(standing.as_text(found))
    return FINDINGS if found.open_step is not None else FINE
