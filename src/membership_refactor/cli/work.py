"""``work``: help the command that runs a step, from any number of hosts."""

from __future__ import annotations

import argparse

from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option
from membership_refactor.counts import counted
from membership_refactor.errors import WrongUse
from membership_refactor.execution.remote_worker import RemoteWorker
from membership_refactor.execution.shared_job import options_of_its_own

NAME = "work"
HELP = "help a step that runs: do some of its batches, from this host too"
DESCRIPTION = (
    "Do batches of the step that `alembic upgrade` or `downgrade` runs now, with any number of "
    "such workers on any host. The batches, and the limits that they keep, are those of the "
    "command that runs the step. Kill a worker whenever you like: its batch is done by another. "
    "Ends with that command. Exit status: 0, or 1 where no command runs or it left a step open."
)
EXAMPLE = "membership-refactor -x workers=4 work"


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    parser.add_argument(
        "--forever",
        action="store_true",
        help="do not end: wait for the next command, also while the server restarts",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 0 where the command that ran has ended its steps, else 1."""
    others = options_of_its_own(context.request.options)
    if others:
        raise WrongUse(
            f"-x {others[0]} is not an option of a worker.",
            hint="Give it to the command that runs the step: all its workers keep to it.",
        )
    runner = context.runner()
    worker = RemoteWorker(runner, forever=options.forever)
    found = worker.work()
    step = worker.open_step
    label = f"{runner.label(step.step)} {step.direction}" if step is not None else None
    said = "no command runs a step here. To wait for one: membership-refactor work --forever"
    if found:
        ended = f"and left {label} open" if label else "and no step is open"
        said = f"{counted(worker.rows, 'row')} done here. The command has ended, {ended}."
    context.show({"command_found": found, "rows": worker.rows, "open_step": label}, said)
    return FINE if found and label is None else FINDINGS
