"""``scan``: who still uses the old structure; rewrites the statements and proves the rewriting."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.errors import WrongUse
from membership_refactor.planning import Stage, TableSplit

if TYPE_CHECKING:
    from membership_refactor.scan.consumers import Consumer
    from membership_refactor.scan.report.summary import ScanOutcome
    from membership_refactor.scan.run import Request

NAME = "scan"
HELP = "find every reference to the old structure, rewrite it, prove the rewriting"
FORMATS = ("text", "json", "sarif")
PLAN = "membership_refactor.plans.chain:SPLIT"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and directories")
    parser.add_argument(
        "--stage",
        default="interim",
        metavar="STAGE",
        help="the structure the SQL is written for: legacy, copy, interim (default) or current",
    )
    parser.add_argument("--consumers", metavar="FILE", help="TOML file that names the consumers")
    parser.add_argument("--consumer", metavar="NAME", help="only this consumer of the file")
    parser.add_argument(
        "--dialect", metavar="DIALECT", help="postgres (default) or mysql, without a consumer file"
    )
    parser.add_argument(
        "--case", metavar="CASE", help="snake (default) or camel, without a consumer file"
    )
    parser.add_argument("--plan", default=PLAN, metavar="MODULE:NAME", help="another plan")
    parser.add_argument(
        "--catalog", action="store_true", help="the database's own views, functions and triggers"
    )
    parser.add_argument(
        "--rewrite", action="store_true", help="show the new form of statements as a diff"
    )
    parser.add_argument("--apply", action="store_true", help="write the new form into the files")
    parser.add_argument("--diff", metavar="FILE", help="write the diff into a file instead")
    parser.add_argument(
        "--prove", action="store_true", help="run old and new form on data made to differ"
    )
    parser.add_argument(
        "--own-data", action="store_true", help="with --prove: also on the database's own rows"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the data (1)")
    parser.add_argument("--random-sets", type=int, default=20, metavar="N", help="of data (20)")
    parser.add_argument("--record", action="store_true", help="put the outcome into the ledger")
    parser.add_argument("--processes", type=int, default=0, metavar="N", help="one per core")
    parser.add_argument("--max-seconds", type=float, default=20.0, metavar="S", help="a file (20)")
    parser.add_argument(
        "--max-bytes", type=int, default=4_000_000, metavar="N", help="a file (4000000)"
    )


def run(options: argparse.Namespace, context: Context) -> int:
    from membership_refactor.scan.parse.require_sqlglot import require_sqlglot

    require_sqlglot()
    from membership_refactor.scan.run import scan

    request = _request(options, context)
    needs_database = request.prove or request.catalog or options.record
    engine = context.engine() if needs_database else None
    with _progress() as progress:
        outcome = scan(request, engine=engine, progress=progress)
    _print(outcome, context.format)
    if request.rewrite:
        _rewritten(outcome, options, context.format)
    if options.record and engine is not None:
        from membership_refactor.scan.report.to_ledger import record

        with engine.begin() as connection:
            rows = record(connection, context.schema, outcome)
        print(f"recorded {rows} consumers in the ledger", file=sys.stderr)
    different = any(proof.verdict == "different" for proof in outcome.proofs)
    return FINDINGS if outcome.findings or different else FINE


def _request(options: argparse.Namespace, context: Context) -> Request:
    from membership_refactor.scan.read.worker_processes import Limits
    from membership_refactor.scan.run import Request

    plan = _plan(options.plan)
    consumers = _consumers(options, plan)
    if not options.paths and not options.catalog and not any(c.paths for c in consumers):
        raise WrongUse("Nothing to scan.", hint="Give a PATH, --consumers FILE or --catalog.")
    if options.own_data and not options.prove:
        raise WrongUse("--own-data goes with --prove.", hint="Add --prove.")
    return Request(
        plan=plan,
        stage=_stage(options.stage),
        consumers=consumers,
        paths=tuple(Path(path) for path in options.paths),
        schema=context.schema,
        limits=Limits(
            seconds=options.max_seconds, bytes=options.max_bytes, processes=options.processes
        ),
        rewrite=options.rewrite or options.apply or bool(options.diff),
        prove=options.prove,
        own_data=options.own_data,
        catalog=options.catalog,
        seed=options.seed,
        random_sets=options.random_sets,
    )


def _stage(text: str) -> Stage:
    try:
        return Stage(text)
    except ValueError:
        known = ", ".join(stage.value for stage in Stage)
        raise WrongUse(f'There is no stage "{text}".', hint=f"The stages are {known}.") from None


def _plan(text: str) -> TableSplit:
    module, _, name = text.partition(":")
    try:
        plan = getattr(importlib.import_module(module), name or "SPLIT")
    except (ImportError, AttributeError, ValueError) as error:
        raise WrongUse(f'The plan "{text}" cannot be loaded: {error}.') from None
    if not isinstance(plan, TableSplit):
        raise WrongUse(f'"{text}" is no TableSplit.', hint="Name one as MODULE:NAME.")
    return plan


def _consumers(options: argparse.Namespace, plan: TableSplit) -> tuple[Consumer, ...]:
    from membership_refactor.scan.consumers import DIALECTS, Consumer, read_consumers
    from membership_refactor.scan.resolve.spelling import Case, NameMap

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
        from membership_refactor.scan.report.as_json import as_json

        print(as_json(outcome))
    elif format_ == "sarif":
        from membership_refactor.scan.report.as_sarif import as_sarif

        try:
            own = version("membership-refactor")
        except PackageNotFoundError:
            own = ""
        print(as_sarif(outcome, version=own))
    else:
        from membership_refactor.scan.report.as_text import as_text

        print(as_text(outcome))


def _rewritten(outcome: ScanOutcome, options: argparse.Namespace, format_: str) -> None:
    from membership_refactor.scan.rewrite.diff import apply_to_files, unified

    lines = list(unified(outcome.files))
    if options.diff:
        try:
            Path(options.diff).write_text("".join(lines), encoding="utf-8")
        except OSError as error:
            raise WrongUse(f"{options.diff} cannot be written: {error.strerror}.") from None
    elif format_ == "text" and not options.apply:
        sys.stdout.write("".join(lines))
    if options.apply:
        written = apply_to_files(outcome.files)
        print(f"{written} files rewritten", file=sys.stderr)


@contextmanager
def _progress() -> Iterator[Any]:
    """A bar on a terminal, nothing elsewhere."""
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
