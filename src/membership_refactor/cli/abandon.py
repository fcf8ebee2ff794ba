"""membership-refactor abandon: takes the open step back."""

from __future__ import annotations

import argparse
import json

from membership_refactor.cli.verb import FINE, Context
from membership_refactor.execution.tenant_lock import alone
from membership_refactor.operations import runner_for
from membership_refactor.plans.chain import SPLIT

NAME = "abandon"
HELP = "take the open step back: what a half-done upgrade or downgrade committed is undone"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options of its own."""


def run(options: argparse.Namespace, context: Context) -> int:
    """Status 0 also where nothing is open."""
    runner = runner_for(context.engine(), SPLIT, context.request)
    with alone(runner.engine, context.schema, label=NAME):
        taken = runner.abandon()
    if context.format == "json":
        print(json.dumps({"abandoned": taken}))
    else:
        print(f"taken back: {taken}" if taken else "no step is open")
    return FINE
