"""The demo as it is seen: in a pipe and in a narrow terminal, without a traceback."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import tempfile
import termios
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from membership_refactor.database import of_the_wheel
from membership_refactor.demo.measurements import Outcome, StepOutcome, TableSize
from membership_refactor.demo.outcome_text import as_text
from membership_refactor.demo.writers import Record, Writer
from tests.cli.processes import command, environment
from tests.fixtures.steps import CHAIN
from tests.report.browser import Opened, program, running

RUN = [*command("membership-refactor"), "demo", "--rows", "300", "--idle", "1"]
SPLIT_STEPS = [(CHAIN.revisions.of(step.name), step.name) for step in CHAIN]
STEPS = [f"{revision} {name}" for revision, name in SPLIT_STEPS]


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A state folder whose path leaves room for the name of a socket."""
    if of_the_wheel() is None:
        pytest.skip("the embedded PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="mr-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def outcome() -> Outcome:
    steps = [
        StepOutcome(
            revision=revision,
            name=name,
            direction="down",
            seconds=1234.5,
            rows=12_345_678,
            longest_wait_ms=50.0,
            longest_hold_ms=20.0,
            checks=12,
        )
        for revision, name in SPLIT_STEPS
    ]
    record = Record("old-style", 900, {}, Counter({"40001": 3}), [("idle", 0.002), ("chain", 0.02)])
    return Outcome(
        rows=12_345_678,
        steps=steps,
        before=[TableSize(name="programme_membership", rows=12_345_678, bytes=3_000_000_000)],
        after=[TableSize(name="curriculum_membership", rows=12_345_678, bytes=2_000_000_000)],
        records=[record],
    )


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_summary_fits_and_cuts_no_name_and_no_figure(width: int) -> None:
    text = as_text(outcome(), width)
    assert [line for line in text.splitlines() if len(line) > width] == []
    for shown in (
        *STEPS,
        "12,345,678",
        "1234.5",
        "2.8 GB",
        "1.9 GB",
        "before",
        "after",
        "40001: 3",
    ):
        assert shown in text
    assert "alone" in text and "the chain" in text and "p99 ms" in text


def test_a_writer_hides_nothing_of_its_thread() -> None:
    """Python 3.11 calls ``Thread._delete`` when a thread ends."""
    hidden = {name for name in vars(Writer) if hasattr(Thread, name) and not name.startswith("__")}
    assert hidden == {"run"}


@pytest.fixture(scope="module")
def piped(state: Path) -> subprocess.CompletedProcess[str]:
    """A whole run in a pipe."""
    return subprocess.run(
        [*RUN, "--report", str(state / "report.html")],
        env=environment(XDG_STATE_HOME=str(state)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_in_a_pipe_it_ends_with_a_summary_of_eighty_columns(
    piped: subprocess.CompletedProcess[str], state: Path
) -> None:
    done = piped
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    for shown in (*STEPS, "before", "after"):
        assert shown in done.stdout
    # A sentence breaks where the width says.
    said = " ".join(done.stdout.split())
    assert "commits of live writers are in the tables" in said
    assert "The gates opened by evidence alone" in said
    gates = done.stdout.partition("What opened each gate")[2].splitlines()
    opened = [line.split()[0] for line in gates if line.split()[1:2] and line[:4].isdigit()]
    asked = ["0005", "0006", "0009", "0010", "0011"]
    assert opened == [*asked, *asked[2:]]
    assert "accept-usage" not in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"Report: {state / 'report.html'}"


@pytest.mark.slow
def test_its_report_opens_in_a_browser_without_an_error(
    piped: subprocess.CompletedProcess[str],
    state: Path,
    record_property: Callable[[str, object], None],
) -> None:
    found = program()
    if found is None:
        pytest.skip("no Chromium on this machine, so the report was not opened in a browser")
    assert piped.returncode == 0, piped.stderr
    with running(found) as browser:
        opened = Opened(browser, width=1400)
        opened.go(state / "report.html")
        assert opened.complaints == [] and opened.overflowing() == []
        assert "Every step has run" in opened.page.inner_text("#now")
        timing = "performance.getEntriesByType('navigation')[0].loadEventEnd"
        record_property("milliseconds until it was loaded", opened.page.evaluate(timing))


@pytest.mark.slow
def test_in_a_terminal_of_forty_columns_no_step_is_cut(state: Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    # Workers of the tests set these, and they would count for more than the terminal does.
    given = environment(XDG_STATE_HOME=str(state), TERM="xterm")
    process = subprocess.Popen(
        [*RUN, "--report", str(state / "narrow.html")],
        env={name: text for name, text in given.items() if name not in ("COLUMNS", "LINES")},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    errors: list[str] = []
    reader = Thread(target=read_errors, args=(process, errors))
    reader.start()
    shown = b""
    # Reading fails when the last process has closed the terminal.
    with contextlib.suppress(OSError):
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    reader.join()
    said = "".join(errors)
    assert process.wait(60) == 0, said
    assert "Traceback" not in said and "Exception ignored" not in said
    lines = shown.decode().replace("\r", "").splitlines()
    assert [line for line in lines if len(line) > 40] == []
    assert {line for line in lines if line in STEPS} == set(STEPS)


def read_errors(process: subprocess.Popen[bytes], into: list[str]) -> None:
    assert process.stderr is not None
    into.append(process.stderr.read().decode())
