"""Where the statements of the statistics stand in the files of the consumers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from membership_refactor.consumers import Consumer, read_consumers
from membership_refactor.planning import Stage, TableSplit
from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.parse.piece import Piece
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.read.worker_processes import tasks_for
from membership_refactor.scan.resolve.analyse import Analyser
from membership_refactor.watch.statement_kinds import plain


def read_places(
    file: str | None, plan: TableSplit, schema: str
) -> tuple[tuple[Consumer, ...], Mapping[str, str]]:
    """The consumers that the TOML file lists, and where their statements stand; nothing without a
    file. Raises WrongUse for a file that cannot be read."""
    consumers = read_consumers(Path(file), plan) if file else ()
    return consumers, places_of(consumers, plan, Stage.COPY, schema) if consumers else {}


class _Finder(FileScanner):
    """Notes where each statement stands, instead of analysing it."""

    def found_in(self, places: dict[str, str]) -> _Finder:
        self.places = places
        return self

    def _piece(self, piece: Piece, collector: Collector) -> None:
        text = piece.placed.text
        place = collector.place(piece.placed.place(len(text) - len(text.lstrip())))
        self.places.setdefault(comparable(text), f"{place.path}:{place.line}")


def places_of(
    consumers: Sequence[Consumer], plan: TableSplit, stage: Stage, schema: str
) -> Mapping[str, str]:
    """By comparable text: path and line of each statement of the consumers' files that names
    something of the plan. What cannot be read is left out; ``scan`` names it."""
    found: dict[str, str] = {}
    tasks, _ = tasks_for(consumers, ())
    finders = [
        _Finder(Analyser(plan, stage, consumer, schema)).found_in(found) for consumer in consumers
    ]
    for task in tasks:
        finders[task.consumer].scan(task.path, task.shown)
    return found


def comparable(text: str) -> str:
    """The statement without literals, parameters, blanks and capitals."""
    return plain(text.strip().rstrip(";")).lower()
