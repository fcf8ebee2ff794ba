"""``rehearse``: run the whole chain on a clone of this database, and try every kind of write."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option
from membership_refactor.errors import RefactorError, WrongUse
from membership_refactor.rehearsal import Place, Subject, Wanted, rehearse, report
from membership_refactor.steps.step_chain import Chain

NAME = "rehearse"
HELP = "run the whole chain on a clone of this database, and try every kind of write"
DESCRIPTION = (
    "Clone the structure of this database with a sample of its rows, run the chain there up, down "
    "and up again, and try at each stage what each role may write. Reports what stops, and what "
    "behaves differently from before the first step. Reads this database only. Exit status: 0 "
    "where nothing was found, 1 where something was, 2 where it could not be run."
)
EXAMPLE = "membership-refactor rehearse --rows 10000 --junit rehearsal.xml"
FORMATS = ("text", "json", "junit")


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    parser.add_argument(
        "--rows",
        type=int,
        default=10_000,
        metavar="N",
        help="rows of the source to take along (default 10000)",
    )
    parser.add_argument(
        "--on",
        choices=[place.value for place in Place],
        default=Place.AUTO.value,
        help="where the clone is made: on the same server, or on a temporary one on this machine "
        "(default: the same for a superuser)",
    )
    parser.add_argument(
        "--role",
        action="append",
        default=[],
        metavar="NAME",
        help="try the writes of this role only; may be repeated (default: all that may write)",
    )
    parser.add_argument(
        "--to",
        metavar="REVISION",
        help="the last revision to go up to, before the way down (default: the last of the plan)",
    )
    parser.add_argument(
        "--no-way-back",
        action="store_true",
        help="go up only, and not down and up once more",
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit's XML there too")


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 1 where something was found."""
    if options.rows < 1:
        raise WrongUse(f"--rows {options.rows} is below 1.", hint="Take 1 or more.")
    try:
        plan, request = context.plan, context.request_of_database
        chain = context.project.chain(plan, request.schema)
        url = context.database.engine.url.render_as_string(hide_password=False)
        done = rehearse(
            Subject(
                url=url,
                plan=plan,
                request=request,
                config=context.config,
            ),
            Wanted(
                rows=options.rows,
                place=Place(options.on),
                roles=tuple(options.role),
                to=step_of(chain, options.to),
                back=not options.no_way_back,
                progress=context.request.progress,
            ),
        )
    except WrongUse:
        raise
    except RefactorError as error:
        # Status 2: it could not be run, which is neither a finding nor its absence.
        raise WrongUse(error.message, hint=error.hint) from error
    if options.junit is not None:
        options.junit.write_text(report.as_junit(done) + "\n", encoding="utf-8")
        print(f"JUnit: {options.junit}", file=sys.stderr)
    if context.format == "junit":
        print(report.as_junit(done))
    else:
        context.show(report.as_values(done), report.as_text(done))
    return FINE if done.fine else FINDINGS


def step_of(chain: Chain, revision: str | None) -> str | None:
    """The step that the revision of that id runs last, or that has that name. Raises WrongUse
    where there is none."""
    if revision is None:
        return None
    if revision in chain:
        return revision
    steps = chain.run_by(revision)
    if not steps:
        known = ", ".join(chain.revisions.of(step.name) for step in chain)
        raise WrongUse(f"--to {revision} runs no step.", hint=f"Known: {known}.")
    return steps[-1].name
