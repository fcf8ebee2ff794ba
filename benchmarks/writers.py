"""A process of open-loop writers: statements are due at fixed times, whatever the last one took.

Latency runs from the due time, so that a stall is felt by every statement that it delays. It is a
process of its own, because the runner's Python would be felt otherwise. Standard input names
what to write (``old TABLE``, ``new``, ``stop``); each word is answered by a line when no writer
is in a statement of the former kind any more.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg

WRITERS, RATE = 2, 50.0
TRIES = 20
RETRIED = ("40001", "40P01", "55P03")


class Writers:
    """Handle on the process, for the benchmark."""

    def __init__(self, dsn: str, rows: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.writers", dsn, str(rows)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parent.parent,
        )
        self._ask("")

    def write(self, what: str) -> None:
        """``old TABLE`` or ``new``; returns when nobody writes anything else any more."""
        self._ask(what)

    def stop(self) -> Record:
        answer = json.loads(self._ask("stop"))
        self._process.wait()
        return Record(answer["latencies"], answer["errors"])

    def end(self) -> None:
        """Whatever state it is in."""
        self._process.kill()
        self._process.wait()

    def _ask(self, what: str) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        if what:
            self._process.stdin.write(what + "\n")
            self._process.stdin.flush()
        return self._process.stdout.readline()


@dataclass(slots=True)
class Record:
    """What the writers felt: (monotonic time when due, seconds), and errors by SQLSTATE."""

    latencies: list[tuple[float, float]] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)

    def between(self, began: float, ended: float) -> list[float]:
        """Sorted milliseconds of what was due in that time."""
        return sorted(s * 1000 for due, s in self.latencies if began <= due < ended)


def quantile(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


class _Writer(threading.Thread):
    def __init__(self, dsn: str, rows: int, number: int, stage: _Stage) -> None:
        super().__init__(daemon=True)
        self.dsn, self.rows, self.number, self.stage = dsn, rows, number, stage
        self.chance = random.Random(number)
        self.record = Record()

    def run(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("SET synchronous_commit = off")
            began, n = time.monotonic(), 0
            while self.stage.what != "stop":
                due = began + n / RATE
                n += 1
                time.sleep(max(due - time.monotonic(), 0))
                self.write(connection)
                self.record.latencies.append((due, time.monotonic() - due))

    def write(self, connection: psycopg.Connection[Any]) -> None:
        row, draw = self.chance.randrange(1, self.rows), self.chance.random()
        for attempt in range(TRIES):
            with self.stage.at_work():
                text = _text(self.stage.what, draw)
                if text is None:
                    return
                try:
                    connection.execute(text, {"row": row, "word": f"r{row % 97}"})
                    return
                except psycopg.Error as error:
                    state = error.sqlstate or "none"
                    self.record.errors[state] = self.record.errors.get(state, 0) + 1
                    if state not in RETRIED:
                        return
            time.sleep(0.002 * 2 ** min(attempt, 6) * self.chance.random())


class _Stage:
    """What is written now, and who is in the middle of it."""

    def __init__(self) -> None:
        self.what = ""
        self._changed = threading.Condition()
        self._busy = 0

    def change(self, what: str) -> None:
        with self._changed:
            self.what = what
            # Those at work read the old word; the new one goes for who comes after them.
            self._changed.wait_for(lambda: self._busy == 0, timeout=30)

    def at_work(self) -> _Stage:
        return self

    def __enter__(self) -> None:
        with self._changed:
            self._busy += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()


_OLD = (
    (0.70, "UPDATE {t} SET leaving_reason = %(word)s, amended_date = now() WHERE id = %(row)s"),
    (
        0.80,
        "UPDATE {t} SET programme_end_date = programme_end_date + 1, amended_date = now() "
        "WHERE id = %(row)s",
    ),
    (0.90, "DELETE FROM {t} WHERE id = %(row)s"),
    (
        1.01,
        "INSERT INTO {t} (person_id, programme_id, curriculum_id, programme_membership_type, "
        "programme_start_date, programme_end_date, leaving_reason) "
        "SELECT person_id, programme_id, curriculum_id, programme_membership_type, "
        "programme_start_date, programme_end_date, %(word)s FROM {t} WHERE id = %(row)s",
    ),
)
_NEW = (
    (
        0.70,
        "UPDATE public.programme_membership SET leaving_reason = %(word)s, amended_date = now() "
        "WHERE uuid = (SELECT c.programme_membership_uuid FROM public.curriculum_membership AS c "
        "WHERE c.id = %(row)s)",
    ),
    (
        0.80,
        "UPDATE public.curriculum_membership SET curriculum_end_date = curriculum_end_date + 1, "
        "amended_date = now() WHERE id = %(row)s",
    ),
    (0.90, "DELETE FROM public.curriculum_membership WHERE id = %(row)s"),
    (
        1.01,
        "INSERT INTO public.curriculum_membership (programme_membership_uuid, curriculum_id) "
        "SELECT c.programme_membership_uuid, c.curriculum_id "
        "FROM public.curriculum_membership AS c WHERE c.id = %(row)s",
    ),
)


def _text(what: str, draw: float) -> LiteralString | None:
    if what == "new":
        return _constant(next(text for limit, text in _NEW if draw < limit))
    if what.startswith("old "):
        text = next(text for limit, text in _OLD if draw < limit)
        return _constant(text.replace("{t}", f"public.{what[4:]}"))
    return None


def _constant(text: str) -> LiteralString:
    return text


def main(dsn: str, rows: int) -> None:
    stage = _Stage()
    writers = [_Writer(dsn, rows, n, stage) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    print("ready", flush=True)
    for line in sys.stdin:
        stage.change(line.strip())
        if stage.what == "stop":
            break
        print("ok", flush=True)
    latencies: list[tuple[float, float]] = []
    errors: dict[str, int] = {}
    for writer in writers:
        writer.join(timeout=30)
        latencies += writer.record.latencies
        for state, count in writer.record.errors.items():
            errors[state] = errors.get(state, 0) + count
    print(json.dumps({"latencies": latencies, "errors": errors}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
