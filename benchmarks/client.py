"""What the command line itself takes: time and memory of a verb that only looks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chain import runner_of
from benchmarks.place import Place
from tests.fixtures.steps import step_of

PROGRAM = Path(sys.executable).parent / "membership-refactor"
TIMES = 5
"""Each is called this often, and the shortest is shown."""
KIBIBYTE, MEGABYTE = 1024, 1e6


@dataclass(slots=True)
class Client:
    """By command: the shortest time in seconds, and the most memory in megabytes."""

    seconds: dict[str, float] = field(default_factory=dict)
    megabytes: dict[str, float] = field(default_factory=dict)


def measure(place: Place) -> Client:
    """``--help``, and ``status`` of a database whose chain is at 0003."""
    found = Client()
    with place.fresh() as database:
        runner_of(place, database, workers=1, checks=False).upgrade(step_of("0003"))
        url = place.launched.server.database_url(database)
        for name, words in (("--help", ["--help"]), ("status", ["-x", f"url={url}", "status"])):
            taken = [_call(words) for _ in range(TIMES)]
            found.seconds[name] = min(seconds for seconds, _ in taken)
            found.megabytes[name] = max(megabytes for _, megabytes in taken)
    return found


def _call(words: Sequence[str]) -> tuple[float, float]:
    """Seconds on the wall clock, and megabytes of memory at its peak."""
    began = time.perf_counter()
    process = subprocess.Popen([PROGRAM, *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"membership-refactor {words[-1]} ended with {process.returncode}")
    return time.perf_counter() - began, used.ru_maxrss * KIBIBYTE / MEGABYTE
