"""``report``: one HTML page that shows where the refactoring stands."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any

from membership_refactor.cli.plan import revision_texts
from membership_refactor.cli.require_sqlglot import require_sqlglot
from membership_refactor.cli.status import write_whole
from membership_refactor.cli.verb import FINE, Context, as_json, plan_option
from membership_refactor.counts import counted
from membership_refactor.errors import WrongUse

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
SCHEMA = "{schema}"
PAGE = (".html", ".htm")
"""A file of such a name gets the page, also where standard output gets JSON."""


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write to this file, whole or not at all (default: standard output); {schema} in its "
        "name is the schema",
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
    from membership_refactor.watch.places import read_places

    runner = context.runner()
    consumers, places = read_places(options.consumers, runner.plan, runner.schema)
    texts = revision_texts(context.config)
    report = read_page(runner, texts, consumers, places, count_keys=options.count_keys)
    values = as_json(as_values(report))
    if options.output is None:
        print(values if context.format == "json" else as_html(report))
        return FINE
    output = Path(str(options.output).replace(SCHEMA, runner.schema.replace("/", "_")))
    is_page = context.format != "json" or output.suffix.lower() in PAGE
    write_whole(output, (as_html(report) if is_page else values) + "\n")
    print(values if is_page and context.format == "json" else output.absolute())
    return FINE


def for_all_schemas(options: argparse.Namespace) -> None:
    """Raise WrongUse where the pages of several schemas would be one file."""
    if options.output is None or SCHEMA not in options.output.name:
        raise WrongUse(
            "the pages of several schemas need a file each.",
            hint=f"Write: report -o 'report-{SCHEMA}.html'",
        )


def one_line(document: Any) -> str:
    """The document of JSON as one line."""
    steps = document["standing"]["steps"]
    up = sum(step["state"] == "up" for step in steps)
    broken = sum(check["broken"] > 0 for check in document["standing"]["checks"])
    failed = f", {counted(broken, 'check')} failed" if broken else ""
    return f"{up} of {counted(len(steps), 'step')} have run{failed}"


def require_extra() -> None:
    """Raise WrongUse where the extra is not installed."""
    if any(importlib.util.find_spec(name) is None for name in NEEDS):
        raise WrongUse(
            "this needs jinja2 and sqlglot, and at least one of them is not installed.",
            hint="Run: pip install 'membership-refactor[report]'",
        )
    require_sqlglot()
