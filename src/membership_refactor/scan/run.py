"""Do everything that one scan does, from consumers and paths to its outcome."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

from sqlalchemy import Engine

from membership_refactor.consumers import Consumer
from membership_refactor.planning import Stage, TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.scan.compare.comparer import Comparer
from membership_refactor.scan.compare.own_data import compare_on_own_data
from membership_refactor.scan.compare.results import Compared
from membership_refactor.scan.findings.values import FileOutcome, join_parts
from membership_refactor.scan.read.catalog import (
    CONSUMER,
    LIVE,
    Running,
    catalog_outcomes,
    columns_portrait,
    statement_outcomes,
)
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.read.worker_processes import Limits, scan_files, tasks_for
from membership_refactor.scan.report.summary import ScanOutcome, summaries
from membership_refactor.scan.resolve.analyse import Analyser


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to scan."""

    plan: TableSplit
    stage: Stage
    consumers: tuple[Consumer, ...]
    paths: tuple[Path, ...] = ()
    schema: str = "public"
    limits: Limits = field(default_factory=Limits)
    rewrite: bool = False
    compare: bool = False
    own_data: bool = False
    catalog: bool = False
    running: Counter[Running] | None = None
    """Statements that ran, with the number of their calls."""
    seed: int = 1
    random_sets: int = 20

    def analyser(self, consumer: Consumer, portrait: Portrait | None = None) -> Analyser:
        """The analyser of a consumer's statements."""
        return Analyser(self.plan, self.stage, consumer, self.schema, portrait)


def scan(
    request: Request,
    *,
    engine: Engine | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> ScanOutcome:
    """Scan, rewrite and compare as requested. Catalog and comparison need ``engine``."""
    started = time.monotonic()
    tasks, unread = tasks_for(request.consumers, request.paths)
    portrait = None
    if engine is not None:
        with engine.connect() as connection:
            portrait = columns_portrait(connection, request.schema)
    analysers = [request.analyser(consumer, portrait) for consumer in request.consumers]
    scanned = Counter(request.consumers[task.consumer].name for task in tasks)
    outcomes = list(scan_files(
        tasks, analysers, limits=request.limits, rewrite=request.rewrite or request.compare,
        progress=lambda done: progress("files", done, len(tasks)),
    ))  # fmt: skip
    join_parts(outcomes, request.plan.tables)
    found = [outcome for outcome in outcomes if not outcome.empty or outcome.statements]
    found += [FileOutcome.unread(str(path), who, why, open=open) for who, path, why, open in unread]
    _close(found, request.consumers)
    consumers, seconds = list(request.consumers), time.monotonic() - started
    if request.catalog and engine is not None:
        consumers.append(Consumer(name=CONSUMER, owner="the database itself"))
        scanner = FileScanner(request.analyser(consumers[-1], portrait))
        with engine.connect() as connection:
            found += catalog_outcomes(connection, request.schema, scanner)
        scanned[CONSUMER] = sum(outcome.consumer == CONSUMER for outcome in found) or 1
    if request.running is not None:
        consumers.append(Consumer(name=LIVE, owner="roles of no consumer"))
        analysers.append(request.analyser(consumers[-1], portrait))
        scanners = [FileScanner(analyser) for analyser in analysers]
        found += statement_outcomes(request.running, request.consumers, scanners)
        for name in (consumer.name for consumer in consumers):
            own = sum(outcome.consumer == name for outcome in found)
            scanned[name] = scanned[name] or own or int(name == LIVE)
    comparisons: tuple[Compared, ...] = ()
    if request.compare and engine is not None:
        comparisons = tuple(_comparisons(request, engine, found, progress))
    return ScanOutcome(
        plan=request.plan.name, stage=request.stage.value,
        consumers=summaries(consumers, found, scanned, request.plan), files=tuple(found),
        scanned=len(tasks), seconds=round(seconds, 3), comparisons=comparisons,
    )  # fmt: skip


def scan_again(request: Request) -> Callable[[FileOutcome], FileOutcome]:
    """A function that scans the file of an outcome once more, for the same consumer."""
    scanners = {
        consumer.name: FileScanner(request.analyser(consumer), max_bytes=request.limits.bytes)
        for consumer in request.consumers
    }
    return lambda found: scanners[found.consumer].scan(Path(found.path), found.path)


def _close(found: Sequence[FileOutcome], consumers: Sequence[Consumer]) -> None:
    """Close the open questions that the consumer file answers. They stay listed with the reason."""
    answers = {consumer.name: consumer.closed for consumer in consumers}
    for outcome in found:
        for closed in answers.get(outcome.consumer, ()):
            fits = fnmatch(f"/{outcome.path}", f"*{closed.path}")
            for at, note in enumerate(outcome.notes if fits else ()):
                if note.open and note.look == closed.what:
                    message = f"{note.message}; closed: {closed.reason}"
                    outcome.notes[at] = replace(note, open=False, message=message)


def _comparisons(
    request: Request,
    engine: Engine,
    found: Sequence[FileOutcome],
    progress: Callable[[str, int, int], None],
) -> Iterator[Compared]:
    consumers = {consumer.name: consumer for consumer in request.consumers}
    wanted = [
        (outcome.consumer, rewritten, rewritten.new)
        for outcome in found
        for rewritten in outcome.rewrites
        if rewritten.new is not None and outcome.consumer in consumers
    ]
    with engine.connect() as connection:
        comparers = {
            name: Comparer(
                connection, request.plan, request.stage, consumers[name], request.random_sets,
                schema=request.schema,
            )
            for name in dict.fromkeys(name for name, _, _ in wanted)
        }  # fmt: skip
        for number, (name, one, new) in enumerate(wanted, 1):
            comparer = comparers[name]
            compared = comparer.compare(one.old, new, one.dialect, seed=request.seed)
            if request.own_data:
                compared = compare_on_own_data(comparer, one, compared)
            yield replace(compared, place=one.place)
            progress("comparisons", number, len(wanted))
