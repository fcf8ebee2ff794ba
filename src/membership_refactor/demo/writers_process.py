"""The process of the writers, and the pipe by which the demo starts and stops them."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Any

from membership_refactor.demo.writers import BETWEEN, IDLE, KINDS, RATE, Record, Writer
from membership_refactor.execution.progress import Progress

CATCH_UP_SECONDS = 5.0


class Writers:
    """The process of the writers, and the pipe to it."""

    def __init__(self, dsn: str, schema: str, persons: range, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(
            target=serve, args=(other, dsn, schema, persons, seed), daemon=True
        )
        self.process.start()

    def tell(self, what: str, argument: str = "") -> Any:
        self.pipe.send((what, argument))
        return self.pipe.recv()

    def alone(self, seconds: float, progress: Progress) -> None:
        """Let them run alone for a while, to compare the chain with."""
        progress.say(f"writers alone for {seconds:.0f} s, to compare with")
        self.tell("start", KINDS[0])
        time.sleep(seconds)
        self.tell("phase", BETWEEN)

    def report(self) -> list[Record]:
        records: list[Record] = self.tell("report")
        self.process.join(30)
        return records


@contextmanager
def writing(dsn: str, schema: str, persons: range, seed: int) -> Iterator[Writers]:
    """The writers' process while the block runs. ``schema`` is quoted."""
    writers = Writers(dsn, schema, persons, seed)
    try:
        yield writers
    finally:
        if writers.process.is_alive():
            writers.process.terminate()


def serve(pipe: Pipe, dsn: str, schema: str, persons: range, seed: int) -> None:
    """Run the process. It obeys ``start KIND``, ``stop KIND``, ``phase NAME`` and ``report``."""
    writers: dict[str, list[Writer]] = {}
    phase = [IDLE]
    shares = [persons[n :: len(KINDS)] for n in range(len(KINDS))]
    while True:
        command, argument = pipe.recv()
        if command == "start":
            n = KINDS.index(argument)
            started = len(writers.setdefault(argument, []))
            writer = Writer(
                argument,
                dsn=dsn,
                schema=schema,
                persons=shares[n],
                seed=seed + 100 * n + started,
                phase=lambda: phase[0],
            )
            writers[argument].append(writer)
            writer.start()
        elif command == "stop":
            for writer in writers.get(argument, []):
                writer.stopping.set()
            for writer in writers.get(argument, []):
                writer.join()
        elif command == "phase":
            if argument != BETWEEN:
                _catch_up([w for group in writers.values() for w in group if w.is_alive()])
            phase[0] = argument
        elif command == "report":
            for group in writers.values():
                for writer in group:
                    writer.stopping.set()
                    writer.join()
            pipe.send([w.record for group in writers.values() for w in group])
            return
        pipe.send("done")


def _catch_up(writers: list[Writer]) -> None:
    """Return when the writers are no longer behind, so that a step is not blamed for what was
    before it. On a machine that is too slow for them, after some seconds."""
    until = time.monotonic() + CATCH_UP_SECONDS
    while any(w.behind > 2 / RATE for w in writers) and time.monotonic() < until:
        time.sleep(1 / RATE)
