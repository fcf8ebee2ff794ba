"""membership-refactor plan: what each step will do to this database; what other keys would do."""

from __future__ import annotations

import argparse
import json
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory

from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option
from membership_refactor.inspect import forecast_text
from membership_refactor.inspect import keys_text as keys
from membership_refactor.inspect.forecast import forecast
from membership_refactor.inspect.forecast_values import Answer
from membership_refactor.inspect.keys import compare_keys
from membership_refactor.portrait import to_json
from membership_refactor.steps.revision_text import RevisionText, revision_text

NAME = "plan"
HELP = "show what each step would do here: rows, size, locks, time, undo, refusals"
DESCRIPTION = (
    "Show what each step that has not run would do to this database: rows, disk space, locks, "
    "time, how to undo it, and what would refuse it. Reads only. Exit status: 0, or 1 where the "
    "next step would be refused."
)
EXAMPLE = "membership-refactor plan --format json > portrait.json"
ONE_SCHEMA_ONLY = ("compare_keys",)


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    parser.add_argument(
        "--compare-keys",
        action="store_true",
        help="count the parents that other keys would give: the plan's key with one column more or "
        "less",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 1 where the next step would be refused."""
    runner = context.runner()
    if options.compare_keys:
        choices, table, rows = compare_keys(runner)
        values = {"table": table, "rows": rows, "keys": keys.as_values(choices)}
        context.show(values, keys.as_text(choices, table, rows))
        return FINE
    made, portrait = forecast(runner, revision_texts(context.config))
    # -x portrait=FILE reads this document too, and skips the plan in it.
    document = {**json.loads(to_json(portrait)), "plan": forecast_text.as_values(made)}
    context.show(document, context.named(forecast_text.as_text(made)))
    return FINDINGS if made.steps and made.steps[0].is_refused else FINE


def revision_texts(config: Config) -> dict[str, RevisionText]:
    """Read the docstring of each revision file."""
    script = ScriptDirectory.from_config(config)
    return {r.revision: revision_text(r.module.__doc__ or "") for r in script.walk_revisions()}


def one_line(document: Any) -> str:
    """The document of JSON as one line."""
    steps = document["plan"]["steps"]
    if not steps:
        return "every step has run"
    if not steps[0]["refused"]:
        return f"next is {steps[0]['revision']} {steps[0]['name']}"
    asked = (*steps[0]["asked"], *steps[0]["gates"])
    failing = [question["sentence"] for question in asked if question["answer"] == Answer.FAILS]
    return f"{steps[0]['revision']} would be refused: {' '.join((*steps[0]['refusals'], *failing))}"
