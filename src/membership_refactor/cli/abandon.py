"""``abandon``: undo what a half-done step has committed."""

from __future__ import annotations

import argparse

from membership_refactor.cli.verb import FINE, Context, plan_option
from membership_refactor.execution.tenant_lock import alone

NAME = "abandon"
HELP = "undo what a half-done step has committed"
DESCRIPTION = (
    "Undo what a step that stopped half-way has committed, so that the tables are as they were "
    "before it. Changes the tables. Where no step is open, nothing is done. Exit status: 0."
)
EXAMPLE = "membership-refactor abandon"


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 0, also where no step is open."""
    runner = context.runner()
    with alone(runner.engine, runner.schema, label=NAME):
        taken = runner.abandon()
    said = f"undone: {taken}" if taken else "no step is open; nothing was changed"
    context.show({"abandoned": taken}, said)
    return FINE
