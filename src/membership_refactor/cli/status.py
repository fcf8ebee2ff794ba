"""membership-refactor status: where the chain stands, what is open, and how to end it."""

from __future__ import annotations

import argparse
import json

from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect import status_text as standing
from membership_refactor.inspect.status import read_standing
from membership_refactor.plans.chain import SPLIT, STEPS, TABLES

NAME = "status"
HELP = "say where the chain stands: steps, an open step and its progress, gates, checks"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options of its own."""


def run(options: argparse.Namespace, context: Context) -> int:
    """Status 1 where a step is open."""
    runner = Runner(context.engine(), SPLIT, context.schema, steps=STEPS, tables=TABLES)
    found = read_standing(runner, steps=STEPS)
    if context.format == "json":
        print(json.dumps(standing.as_values(found), indent=2, default=str))
    else:
        print(standing.as_text(found))
    return FINDINGS if found.open_step is not None else FINE
