"""``report``: one HTML page that shows where the refactoring stands."""

from __future__ import annotations

import argparse
import importlib.util
import json
from pathlib import Path

from membership_refactor.cli.plan import revision_texts
from membership_refactor.cli.status import write_whole
from membership_refactor.cli.verb import FINE, Context, plan_option
from membership_refactor.errors import WrongUse
from membership_refactor.planning import Stage
from membership_refactor.scan.parse.require_sqlglot import require_sqlglot

NAME = "report"
HELP = "make one HTML page of where the refactoring stands"
DESCRIPTION = (
    "Make one HTML page of where the refactoring stands: the tables, the steps, what comes next "
    "and when, who uses the old structure, and what was checked. The page loads nothing from a "
    "network and can be sent by mail. Reads only. Exit status: 0."
)
EXAMPLE = "membership-refactor report -o report.html"
FORMATS = ("html", "json")
NEEDS = ("jinja2", "sqlglot")


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write to this file, whole or not at all (default: standard output)",
    )
    parser.add_argument(
        "--consumers",
        metavar="FILE",
        help="TOML file that lists the consumers, to show whose role it is that uses something",
    )
    parser.add_argument(
        "--count-keys",
        action="store_true",
        help="count conflicts and near keys of a table with more than 2,000,000 rows too, which "
        "reads all of it",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Always 0: the page itself says what is wrong."""
    require_extra()
    # Only now, because they import the extra.
    from membership_refactor.report.page import as_html
    from membership_refactor.report.page_values import as_values
    from membership_refactor.report.read_page import read_page
    from membership_refactor.scan.consumers import read_consumers
    from membership_refactor.watch.places import places_of

    runner = context.runner()
    file = options.consumers
    consumers = read_consumers(Path(file), runner.plan) if file else ()
    places = places_of(consumers, runner.plan, Stage.COPY, runner.schema) if consumers else {}
    texts = revision_texts(context.config)
    report = read_page(runner, texts, consumers, places, count_keys=options.count_keys)
    if context.format == "json":
        text = json.dumps(as_values(report), indent=2, default=str)
    else:
        text = as_html(report)
    if options.output is None:
        print(text)
    else:
        write_whole(options.output, text + "\n")
        print(options.output.absolute())
    return FINE


def require_extra() -> None:
    """Raise WrongUse where the extra is not installed."""
    if any(importlib.util.find_spec(name) is None for name in NEEDS):
        raise WrongUse(
            "this needs jinja2 and sqlglot, and at least one of them is not installed.",
            hint="Run: pip install 'membership-refactor[report]'",
        )
    require_sqlglot()
