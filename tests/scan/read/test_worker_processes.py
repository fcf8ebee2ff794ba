"""A file that ends or holds up its process costs only itself."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path, PosixPath

import pytest

from membership_refactor.consumers import DEFAULT
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.read import worker_processes
from membership_refactor.scan.read.worker_processes import Limits, Task, scan_files
from membership_refactor.scan.resolve.analyse import Analyser


class Ends(PosixPath):
    """A file whose reading ends the process, as a fault in a parser's C code does."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        os._exit(3)


class HoldsUp(PosixPath):
    """A file whose reading never returns, and lets no signal through."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        time.sleep(120)
        raise AssertionError


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Ends, "the process that read it died"),
        pytest.param(HoldsUp, "and was killed", marks=pytest.mark.slow),
    ],
)
def test_only_the_file_that_stops_its_process_is_unread(
    kind: type[Path], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_processes, "_GRACE", 1.0)
    tasks = []
    for number in range(80):
        path = tmp_path / f"{number}.sql"
        path.write_text("SELECT person_id FROM curriculum_membership;\n")
        tasks.append(Task(0, kind(path) if number == 40 else path, path.name))
    analyser = Analyser(SPLIT, Stage.INTERIM, DEFAULT)
    done: list[int] = []
    limits = Limits(seconds=4, processes=2)
    outcomes = list(scan_files(tasks, [analyser], limits=limits, progress=done.append))
    assert [outcome.path for outcome in outcomes] == [task.shown for task in tasks]
    assert done == list(range(1, 81))
    unread = [outcome for outcome in outcomes if not outcome.references]
    assert [outcome.path for outcome in unread] == ["40.sql"]
    assert why in unread[0].notes[0].message and unread[0].notes[0].open
