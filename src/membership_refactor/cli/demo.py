"""``demo``: the whole chain on generated data with live writers, in an embedded PostgreSQL."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from sqlalchemy import Engine

from membership_refactor.cli.plan import revision_texts
from membership_refactor.cli.report import require_extra
from membership_refactor.cli.status import write_whole
from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.database import (
    create_database,
    drop_database,
    has_database,
    kept,
    stop_kept,
)
from membership_refactor.environment import connect_engine
from membership_refactor.execution.runner import Runner
from membership_refactor.plans.programme_membership import SPLIT

NAME = "demo"
HELP = "run the whole chain on generated data, with live writers and gates that open by evidence"
DESCRIPTION = (
    "Run the whole chain on generated data while writers of each kind are at work, in an embedded "
    "PostgreSQL of its own, and show what it did to them. The readers of the old structure stop "
    "one after the other, and weeks are played in seconds, so that the gates open by evidence. "
    "Touches no other database. Exit status: 0, or 1 where a commit is missing or changed in the "
    "end."
)
EXAMPLE = "membership-refactor demo --rows 20000 --idle 5"
DATABASE = "membership_demo"
SERVER = "membership_refactor_demo"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rows", type=int, default=363_000, metavar="N", help="rows to generate (default 363000)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of the generated data (default 1)"
    )
    parser.add_argument(
        "--idle",
        type=float,
        default=20,
        metavar="SECONDS",
        help="how long writers run alone first, to compare with (default 20)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="batches at a time (default: half of the cores)",
    )
    parser.add_argument(
        "--max-latency",
        metavar="LIMIT",
        help="how long a small write may take while batches run: 2x, 50ms or off (default 3x)",
    )
    parser.add_argument("--no-writers", action="store_true", help="run the chain without writers")
    parser.add_argument(
        "--report",
        type=Path,
        default=Path("demo-report.html"),
        metavar="FILE",
        help="where the report of the demo is written (default demo-report.html)",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the database and leave the server running"
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Use the embedded server, and a new database there. Return 1 where a commit was lost."""
    require_extra()
    # Only now, because they import the extra.
    from membership_refactor.demo import whole_chain
    from membership_refactor.demo.fill_database import refuse_filled
    from membership_refactor.demo.outcome_text import as_text, as_values
    from membership_refactor.demo.weeks import SETTINGS

    server = kept(name=SERVER, settings=SETTINGS)
    print(f"embedded {server.source}, database {DATABASE}", file=sys.stderr)
    if has_database(server.url, DATABASE):
        drop_database(server.url, DATABASE)
    engine = connect_engine(create_database(server.url, DATABASE), "public")
    try:
        refuse_filled(engine, "public")
        outcome = whole_chain.run(
            engine,
            context.config,
            schema="public",
            rows=options.rows,
            logs=f"{server.data}/log/*.json",
            seed=options.seed,
            idle_seconds=options.idle,
            with_writers=not options.no_writers,
            workers=options.workers,
            max_latency=options.max_latency,
            progress=context.request.progress,
        )
        page = report(engine, context)
    finally:
        engine.dispose()
        if not options.keep:
            drop_database(server.url, DATABASE)
            stop_kept(name=SERVER)
    text = as_text(outcome, shutil.get_terminal_size().columns)
    context.show({**as_values(outcome), "report": options.report}, text)
    write_whole(options.report, page)
    print(f"Report: {options.report}", file=sys.stderr if context.format == "json" else None)
    return FINE if outcome.fine else FINDINGS


def report(engine: Engine, context: Context) -> str:
    """The page of what the demo has done."""
    from membership_refactor.consumers import Consumer
    from membership_refactor.demo.readers import CONSUMERS
    from membership_refactor.report.page import as_html
    from membership_refactor.report.read_page import read_page

    runner = Runner(engine, SPLIT, "public", context.project.chain(SPLIT, "public"))
    consumers = [Consumer(name=name, roles=(role,)) for name, role in CONSUMERS.items()]
    return as_html(read_page(runner, revision_texts(context.config), consumers))
