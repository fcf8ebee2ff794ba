"""``status``: show the current revision, an open step with its progress, and the gates."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from membership_refactor.cli.verb import FINDINGS, FINE, Context, as_json, plan_option
from membership_refactor.errors import WrongUse
from membership_refactor.inspect import status_text as standing
from membership_refactor.inspect.openmetrics import as_openmetrics
from membership_refactor.inspect.status import read_standing

NAME = "status"
HELP = "show the current revision, an open step and its progress, gates, checks"
DESCRIPTION = (
    "Show which steps have run, an open step with its progress and how to end it, what the gates "
    "say, and the last result of each check. Reads only, but for the keys of "
    "--watch. Exit status: 0, or 1 where a step is open."
)
EXAMPLE = "membership-refactor status"
FORMATS = ("text", "json", "openmetrics")
ONE_SCHEMA_ONLY = ("watch", "output")


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    parser.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=seconds,
        const=1.0,
        help="keep showing the step, each second or as often as you say, until you press q; keys "
        "pause it, let it go on, and make its batches smaller or larger",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write to this file, whole or not at all, for node_exporter's textfile collector",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 1 where a step is open."""
    if options.watch is not None:
        if context.format != "text" or options.output is not None:
            raise WrongUse("status --watch shows text. Leave out --format and -o.")
        # Only now, because it imports what draws on a terminal.
        from membership_refactor.cli import live_status

        last = live_status.watch(context.runner(), seconds=options.watch)
        return FINDINGS if last.standing.open_step is not None else FINE
    found = read_standing(context.runner())
    if context.format == "json":
        text = as_json(standing.as_values(found)) + "\n"
    elif context.format == "openmetrics":
        text = as_openmetrics(found, now=datetime.now(UTC))
    else:
        text = standing.as_text(found) + "\n"
    if options.output is None:
        print(text, end="")
    else:
        write_whole(options.output, text)
    return FINDINGS if found.open_step is not None else FINE


def seconds(text: str) -> float:
    """A number of seconds of 0.1 or more. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.1 <= number <= 86_400:
        raise argparse.ArgumentTypeError(f'"{text}" is not a number of seconds from 0.1 on.')
    return number


def write_whole(path: Path, text: str) -> None:
    """Replace the file in one move, so that nobody ever reads a part of it. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


def one_line(document: Any) -> str:
    """The document of JSON as one line."""
    step = document["open_step"]
    if step is None:
        return "no step is open"
    return f"{step['revision']} {step['name']} is open {step['direction']}: {step['go_on']}"
