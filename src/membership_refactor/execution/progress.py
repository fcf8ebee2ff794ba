"""Progress of long work: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

LINE_SECONDS = 5.0


class Task:
    """Work in progress: rows done, of about so many rows."""

    def __init__(self, title: str, total: int | None, out: TextIO | None, bar: Bar | None) -> None:
        self.title, self.total, self.done = title, total, 0
        self._out, self._bar = out, bar
        self._id = bar.add_task(title, total=total, rate="", note="") if bar else None
        self._began = self._printed = time.monotonic()
        self._lock = threading.Lock()

    @property
    def rate(self) -> float:
        """Rows per second since the start."""
        return self.done / max(time.monotonic() - self._began, 1e-6)

    def advance(self, rows: int, note: str = "") -> None:
        """Add ``rows`` to the rows done. Workers may call it at the same time."""
        with self._lock:
            self.done += rows
            if self._bar is not None and self._id is not None:
                rate = f"{self.rate:,.0f}/s"
                self._bar.update(self._id, advance=rows, rate=rate, note=note)
            elif self._out is not None and time.monotonic() - self._printed >= LINE_SECONDS:
                self._printed = time.monotonic()
                print(self._line(note), file=self._out, flush=True)

    def _line(self, note: str) -> str:
        of = f" of about {self.total:,}" if self.total else ""
        left = ""
        if self.total and self.done:
            seconds = max(self.total - self.done, 0) / max(self.rate, 1e-6)
            left = f", about {seconds:.0f} s left"
        said = f" ({note})" if note else ""
        return f"  {self.title}: {self.done:,}{of} rows, {self.rate:,.0f}/s{left}{said}"


class Progress:
    """Shows progress on standard error, so that standard output holds only data."""

    def __init__(self, out: TextIO | None = None, *, quiet: bool = False) -> None:
        self.out = out or sys.stderr
        self.quiet = quiet

    def say(self, line: str) -> None:
        """Print one line."""
        if not self.quiet:
            print(line, file=self.out, flush=True)

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Task]:
        """Show a task while the block runs."""
        if self.quiet or not self.out.isatty():
            yield Task(title, total, None if self.quiet else self.out, None)
            return
        # Only now, because most commands show no bar, and it takes a while to import.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(file=self.out),
            transient=True,
        )
        with bar:
            yield Task(title, total, self.out, bar)
