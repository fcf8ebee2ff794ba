"""``scan``: find the SQL that uses the old structure, rewrite it and compare the results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from membership_refactor import __version__
from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option
from membership_refactor.errors import WrongUse
from membership_refactor.planning import Stage, TableSplit

if TYPE_CHECKING:
    from collections import Counter

    from sqlalchemy import Engine

    from membership_refactor.consumers import Consumer
    from membership_refactor.scan.read.catalog import Running
    from membership_refactor.scan.report.summary import ScanOutcome
    from membership_refactor.scan.run import Request

NAME = "scan"
HELP = "find the SQL that uses the old structure, rewrite it and compare the results"
DESCRIPTION = (
    "Read SQL in files, in the texts of programs and in the database, and name every reference "
    "to a table or column that the refactoring takes away. Files are changed with --apply only. "
    "Exit status: 0 where nothing was found, 1 where something was, also where a file could not "
    "be read or understood."
)
EXAMPLE = "membership-refactor scan src/ --stage interim --rewrite"
FORMATS = ("text", "json", "sarif")
STAGES = ", ".join(stage.value for stage in Stage)


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files and directories to read, such as src/")
    what = parser.add_argument_group("what is read").add_argument
    what(
        "--stage",
        default="interim",
        metavar="STAGE",
        help=f"the structure for which the SQL was written: {STAGES} (default interim)",
    )
    what("--consumers", metavar="FILE", help="TOML file that lists the consumers with their paths")
    what(
        "--consumer", metavar="NAME", help="only this consumer of FILE, such as --consumer reports"
    )
    what("--dialect", metavar="DIALECT", help="postgres (default) or mysql, without --consumers")
    what(
        "--case",
        metavar="CASE",
        help="how names are spelled without --consumers: snake, as in start_date (default), or "
        "camel, as in startDate",
    )
    what("--catalog", action="store_true", help="also the database's own views and functions")
    what(
        "--from-statements",
        nargs="?",
        const="",
        metavar="LOG",
        help="also the statements that ran: of pg_stat_statements, or of a log in CSV or JSON",
    )
    rewrite = parser.add_argument_group("rewriting").add_argument
    rewrite("--rewrite", action="store_true", help="show the new form of each statement as a diff")
    rewrite("--diff", metavar="FILE", help="write the diff to FILE, such as --diff split.patch")
    rewrite("--apply", action="store_true", help="write the new form into the files")
    compare = parser.add_argument_group("comparing").add_argument
    compare("--compare", action="store_true", help="run the old and the new form on made-up rows")
    compare("--own-data", action="store_true", help="with --compare: also on your own rows")
    compare("--seed", type=int, default=1, metavar="N", help="makes other rows (default 1)")
    compare(
        "--random-sets",
        type=int,
        default=20,
        metavar="N",
        help="sets of random rows for each statement (default 20)",
    )
    other = parser.add_argument_group("result and limits").add_argument
    other("--record", action="store_true", help="record the outcome in the ledger, for the gates")
    other(
        "--baseline",
        metavar="FILE",
        help="only what this earlier outcome in JSON does not have is shown and counts",
    )
    other("--processes", type=int, default=0, metavar="N", help="processes (default one per core)")
    other(
        "--max-seconds",
        type=float,
        default=20.0,
        metavar="S",
        help="leave a file unread, and say so, after S seconds (default 20)",
    )
    other(
        "--max-bytes",
        type=int,
        default=20_000_000,
        metavar="N",
        help="leave a larger file unread, and say so (default 20000000)",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 1 where something was found, or a comparison differs."""
    from membership_refactor.cli.require_sqlglot import require_sqlglot

    require_sqlglot()
    from membership_refactor.scan.run import scan

    request = _request(options, context)
    live = options.from_statements == ""
    needs_database = request.compare or request.catalog or options.record or live
    engine = context.database.engine if needs_database else None
    if options.from_statements is not None:
        request = replace(request, running=_running(options.from_statements, request, engine))
    with _progress() as progress:
        outcome = scan(request, engine=engine, progress=progress)
    findings = outcome.findings
    if options.baseline:
        from membership_refactor.scan.report.documents import leave_out, read_baseline

        findings = leave_out(outcome, read_baseline(Path(options.baseline)))
    _print(outcome, context.format)
    if options.baseline:
        print(f"{findings} new findings beside {options.baseline}", file=sys.stderr)
    undone = 0
    if request.rewrite:
        undone = _rewritten(outcome, options, context.format, request)
    if options.record and engine is not None:
        from membership_refactor.report.record_scan import record

        with engine.begin() as connection:
            rows = record(connection, context.plan_request.schema, outcome)
        print(f"recorded {rows} consumers in the ledger", file=sys.stderr)
    different = any(compared.verdict == "different" for compared in outcome.comparisons)
    return FINDINGS if findings or different or undone else FINE


def _request(options: argparse.Namespace, context: Context) -> Request:
    from membership_refactor.scan.read.worker_processes import Limits
    from membership_refactor.scan.run import Request

    plan = context.plan
    consumers = _consumers(options, plan)
    other = options.catalog or options.from_statements is not None
    if not options.paths and not other and not any(c.paths for c in consumers):
        hint = "Give a PATH, --consumers FILE, --catalog or --from-statements."
        raise WrongUse("Nothing to scan.", hint=hint)
    if options.own_data and not options.compare:
        raise WrongUse("--own-data needs --compare.", hint="Add --compare.")
    return Request(
        plan=plan,
        stage=_stage(options.stage),
        consumers=consumers,
        paths=tuple(Path(path) for path in options.paths),
        schema=context.plan_request.schema,
        limits=Limits(
            seconds=options.max_seconds, bytes=options.max_bytes, processes=options.processes
        ),
        rewrite=options.rewrite or options.apply or bool(options.diff),
        compare=options.compare,
        own_data=options.own_data,
        catalog=options.catalog,
        seed=options.seed,
        random_sets=options.random_sets,
    )


def _running(log: str, request: Request, engine: Engine | None) -> Counter[Running]:
    """The statements of a log, or of pg_stat_statements where no log is named."""
    from membership_refactor.watch.running_statements import from_log, running_statements

    if engine is None or log:
        return from_log(Path(log))
    plan = request.plan
    names = {name for name in (plan.source, plan.copy, plan.parent, plan.retired) if name}
    names |= {one.names.table(name) for one in request.consumers for name in names}
    with engine.connect() as connection:
        return running_statements(connection, names)


def _stage(text: str) -> Stage:
    try:
        return Stage(text)
    except ValueError:
        raise WrongUse(f'There is no stage "{text}".', hint=f"The stages are {STAGES}.") from None


def _consumers(options: argparse.Namespace, plan: TableSplit) -> tuple[Consumer, ...]:
    from membership_refactor.consumers import DIALECTS, Case, Consumer, NameMap, read_consumers

    if options.consumers:
        found = read_consumers(Path(options.consumers), plan)
        if options.consumer:
            found = tuple(c for c in found if c.name == options.consumer)
            if not found:
                raise WrongUse(f'The file has no consumer "{options.consumer}".')
        return found
    dialect, case = options.dialect or "postgres", options.case or "snake"
    if dialect not in DIALECTS:
        raise WrongUse(f'There is no dialect "{dialect}".', hint=f"Known: {', '.join(DIALECTS)}.")
    if case not in tuple(Case):
        raise WrongUse(f'There is no case "{case}".', hint="Known: snake, camel.")
    return (Consumer(name="(paths)", dialect=dialect, names=NameMap(Case(case))),)


def _print(outcome: ScanOutcome, format_: str) -> None:
    if format_ == "json":
        from membership_refactor.scan.report.documents import as_json

        text = as_json(outcome)
    elif format_ == "sarif":
        from membership_refactor.scan.report.documents import as_sarif

        text = as_sarif(outcome, version=__version__)
    else:
        from membership_refactor.scan.report.documents import as_text

        text = as_text(outcome)
    # A name of a file may be no UTF-8.
    print(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def _rewritten(
    outcome: ScanOutcome, options: argparse.Namespace, format_: str, request: Request
) -> int:
    """Show or write the new forms. Returns how many files were left as they are."""
    from membership_refactor.scan.rewrite.edits import apply_to_files, unified
    from membership_refactor.scan.run import scan_again

    lines = list(unified(outcome.files))
    if options.diff:
        try:
            Path(options.diff).write_text("".join(lines), encoding="utf-8")
        except OSError as error:
            raise WrongUse(f"{options.diff} cannot be written: {error.strerror}.") from None
    elif format_ == "text" and not options.apply:
        sys.stdout.write("".join(lines))
    if options.apply:
        results = apply_to_files(outcome.files, scan_again(request))
        undone = [(path, why) for path, why in results if why]
        print(f"{len(results) - len(undone)} files rewritten", file=sys.stderr)
        for path, why in undone:
            print(f"{path} is left as it was: {why}", file=sys.stderr)
        return len(undone)
    return 0


@contextmanager
def _progress() -> Iterator[Any]:
    """Show a progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda what, done, of: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done)

        yield show
