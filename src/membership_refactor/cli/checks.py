"""``checks``: ask whether everything that must be true at the current revision is true."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option
from membership_refactor.counts import counted
from membership_refactor.inspect import check_results
from membership_refactor.inspect.checks import StandingChecks

NAME = "checks"
HELP = "check that rows, tables and models are as the current revision says"
DESCRIPTION = (
    "Check that rows, tables and models are as the current revision says. Reads whole tables and "
    "changes none; the results are recorded in the ledger. Exit status: 0 where every check "
    "passes, 1 where one fails."
)
EXAMPLE = "membership-refactor checks --format junit > checks.xml"
FORMATS = ("text", "json", "junit")
ONE_SCHEMA_ONLY = ("list",)


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    parser.add_argument(
        "asked",
        nargs="*",
        metavar="NAME",
        help="only these checks (default: all; --list names them)",
    )
    parser.add_argument("--list", action="store_true", help="list the checks and run none")


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 1 where a check fails. Every result is recorded in the ledger."""
    checks = StandingChecks(context.runner(), models=context.models())
    if options.list:
        listed = {q.name: q.sentence for q in checks.questions()}
        context.show(listed, "\n".join(f"{name}: {said}" for name, said in listed.items()))
        return FINE
    found = []
    for question in checks.chosen(options.asked):
        context.request.progress.say(f"checking: {question.name}")
        found.append(question.ask())
    if found and not checks.record(found):
        print(
            "The results were not recorded: this role may not write to the ledger.", file=sys.stderr
        )
    schema = context.plan_request.schema
    if context.format == "junit":
        print(check_results.as_junit(found, checks.revision, schema))
    else:
        values = check_results.as_values(found, checks.revision, schema)
        context.show(values, check_results.as_text(found, checks.revision))
    return FINE if all(f.holds for f in found) else FINDINGS


def one_line(document: Any) -> str:
    """The document of JSON as one line."""
    failed = [check["name"] for check in document["checks"] if not check["holds"]]
    listed = f": {', '.join(failed)}" if failed else ""
    return f"{counted(len(document['checks']), 'check')}, {len(failed)} failed{listed}"
