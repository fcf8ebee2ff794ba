"""``watch``: take samples of who uses the old structure, once or again and again."""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from membership_refactor.cli.require_sqlglot import require_sqlglot
from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option
from membership_refactor.counts import counted
from membership_refactor.database.url import normalise_url
from membership_refactor.environment import connect_engine
from membership_refactor.errors import RefactorError, WrongUse

if TYPE_CHECKING:
    from membership_refactor.watch.ledger_rows import Outcome
    from membership_refactor.watch.take_sample import Watch

NAME = "watch"
HELP = "sample who uses the old structure, as evidence for the gates"
DESCRIPTION = (
    "Take a sample of the server's statistics and record in the ledger who used the old structure "
    "since the sample before, or why a use could have been missed. With --every it goes on until "
    "it is stopped. It writes only into the ledger. Exit status: 0 where the time since the sample "
    "before is covered without a use, 1 where it has a use or a hole."
)
EXAMPLE = "membership-refactor watch --every 5m"
_EVERY = re.compile(r"^(\d+)\s*(s|m|h)$")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
ONE_SCHEMA_ONLY = ("every",)


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    add = parser.add_argument
    add(
        "--every",
        metavar="TIME",
        help="go on, with a sample every TIME, such as --every 5m; without it: one sample",
    )
    add(
        "--standby",
        action="append",
        default=[],
        metavar="URL",
        help="a standby that is sampled too; give it once for each",
    )
    add(
        "--log",
        action="append",
        default=[],
        metavar="PATTERN",
        help="log files of the primary, jsonlog or csvlog, such as --log '/var/log/pg/*.json'",
    )
    add(
        "--standby-log",
        action="append",
        default=[],
        metavar="HOST:PORT=PATTERN",
        help="log files of that standby, such as --standby-log 'replica-1:5432=/logs/r1/*.json'",
    )
    add(
        "--no-readers",
        action="append",
        default=[],
        metavar="NAME",
        help="application name or slot of something that receives the WAL and lets nobody read, "
        "such as an archiver",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 1 where the newest sample shows a use or a hole."""
    require_sqlglot()
    # Only now, because they import the parser, which is an extra.
    from membership_refactor.watch.take_sample import Request, Watch, reason_of

    seconds = _seconds(options.every) if options.every else None
    standbys = tuple(_standby(url, context.plan_request.schema) for url in options.standby)
    request = Request(
        standbys=standbys,
        standby_logs=tuple(
            _standby_log(text, [name for name, _ in standbys]) for text in options.standby_log
        ),
        no_readers=tuple(options.no_readers),
        logs=tuple(options.log),
        every=seconds,
    )
    watch = Watch(context.runner(), request)
    status = _sampled(watch, context.format)
    if seconds is None:
        return status
    print(f"a sample every {timedelta(seconds=seconds)}; end it with Ctrl-C", file=sys.stderr)
    never = Event()
    while not never.wait(seconds):
        try:
            status = _sampled(watch, context.format)
        except (RefactorError, DBAPIError, psycopg.Error) as error:
            # The server may be down for a moment. The next sample says what that has cost.
            print(f"no sample: {reason_of(error)}", file=sys.stderr, flush=True)
            status = FINDINGS
    return status


def _sampled(watch: Watch, format_: str) -> int:
    from membership_refactor.watch.round_text import as_text

    found = watch.take()
    if format_ == "json":
        print(json.dumps([_document(outcome) for outcome in found], default=str), flush=True)
    else:
        print(as_text(found), flush=True)
    return FINE if all(outcome.covered and not outcome.uses for outcome in found) else FINDINGS


def _document(outcome: Outcome) -> dict[str, object]:
    return {**asdict(outcome), "covered": outcome.covered}


def _seconds(text: str) -> int:
    match = _EVERY.match(text)
    if match is None or not int(match[1]):
        raise WrongUse(
            f'--every "{text}" is not a time.', hint="Give a number with s, m or h: --every 5m."
        )
    return int(match[1]) * _SECONDS[match[2]]


def _standby_log(text: str, standbys: list[str]) -> tuple[str, str]:
    """The standby that is meant, and the pattern."""
    server, _, pattern = text.partition("=")
    if f"standby {server}" not in standbys or not pattern:
        known = ", ".join(name.removeprefix("standby ") for name in standbys) or "none"
        raise WrongUse(
            f'--standby-log "{text}" names no standby that is given with --standby.',
            hint=f"Write HOST:PORT=PATTERN. Given: {known}.",
        )
    return f"standby {server}", pattern


def _standby(url: str, schema: str) -> tuple[str, Engine]:
    engine = connect_engine(normalise_url(url, source="--standby"), schema)
    shown = engine.url
    host = shown.host or shown.query.get("host") or "local"
    return f"standby {host}:{shown.port or shown.query.get('port') or 5432}", engine


def one_line(document: Any) -> str:
    """The document of JSON as one line."""
    holes = dict.fromkeys(hole for outcome in document for hole in outcome["holes"])
    used = sum(outcome["uses"] for outcome in document)
    if not holes and not used:
        covered = all(outcome["covered"] for outcome in document)
        return "covered, no use" if covered else "the first sample, which covers nothing"
    return "; ".join([*([counted(used, "use")] if used else []), *holes])
