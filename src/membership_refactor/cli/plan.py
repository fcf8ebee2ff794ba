"""membership-refactor plan: what each step will do to this database; what other keys would do."""

from __future__ import annotations

import argparse
import json

from alembic.config import Config
from alembic.script import ScriptDirectory

from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect import forecast_text
from membership_refactor.inspect import keys_text as keys
from membership_refactor.inspect.forecast import forecast
from membership_refactor.inspect.keys import compare_keys
from membership_refactor.inspect.revision_text import RevisionText, revision_text
from membership_refactor.plans.chain import SPLIT, STEPS, TABLES
from membership_refactor.portrait import to_json

NAME = "plan"
HELP = "say what each step will do to this database: rows, size, locks, time, undo, refusals"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--compare-keys",
        action="store_true",
        help="count the groups of the plan's key, and of keys with one column more or less",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Status 1 where the next step would be refused as things are."""
    runner = Runner(context.engine(), SPLIT, context.schema, steps=STEPS, tables=TABLES)
    if options.compare_keys:
        choices, table, rows = compare_keys(runner)
        if context.format == "json":
            print(json.dumps({"table": table, "rows": rows, "keys": keys.as_values(choices)}))
        else:
            print(keys.as_text(choices, table, rows))
        return FINE
    made, portrait = forecast(runner, revision_texts(context.config), steps=STEPS)
    if context.format == "json":
        # The document is the portrait that -x portrait=FILE takes; the plan stands beside it.
        document = {**json.loads(to_json(portrait)), "plan": forecast_text.as_values(made)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(forecast_text.as_text(made))
    return FINDINGS if made.steps and made.steps[0].is_refused else FINE


def revision_texts(config: Config) -> dict[str, RevisionText]:
    """What each revision file says about itself."""
    script = ScriptDirectory.from_config(config)
    return {r.revision: revision_text(r.module.__doc__ or "") for r in script.walk_revisions()}
