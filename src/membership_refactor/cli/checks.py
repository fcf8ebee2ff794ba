"""membership-refactor checks: what has to hold where the chain stands, all of it or one by one."""

from __future__ import annotations

import argparse
import json
import sys

from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect import findings
from membership_refactor.inspect.checks import StandingChecks
from membership_refactor.plans.chain import SPLIT, STEPS, TABLES
from membership_refactor.plans.enrollment_tables import enrollment_tables
from membership_refactor.plans.legacy_tables import legacy_tables

NAME = "checks"
HELP = "ask what has to hold where the chain stands: rows, portrait, models"
FORMATS = ("text", "json", "junit")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("asked", nargs="*", metavar="NAME", help="ask these only (see --list)")
    parser.add_argument("--list", action="store_true", help="name the checks, ask none")


def run(options: argparse.Namespace, context: Context) -> int:
    """Status 1 where one does not hold. Every result is recorded in the ledger."""
    runner = Runner(context.engine(), SPLIT, context.schema, steps=STEPS, tables=TABLES)
    checks = StandingChecks(runner, steps=STEPS, groups=(legacy_tables, enrollment_tables))
    if options.list:
        listed = {q.name: q.sentence for q in checks.questions()}
        if context.format == "json":
            print(json.dumps(listed, indent=2, ensure_ascii=False))
        else:
            print("\n".join(f"{name}: {sentence}" for name, sentence in listed.items()))
        return FINE
    found = []
    for question in checks.chosen(options.asked):
        context.request.progress.say(f"asking: {question.name}")
        found.append(question.ask())
    if found and not checks.record(found):
        print("the results are not in the ledger: no privilege to write it", file=sys.stderr)
    if context.format == "json":
        values = findings.as_values(found, checks.revision, context.schema)
        print(json.dumps(values, indent=2, ensure_ascii=False))
    elif context.format == "junit":
        print(findings.as_junit(found, checks.revision, context.schema))
    else:
        print(findings.as_text(found, checks.revision))
    return FINE if all(f.holds for f in found) else FINDINGS
