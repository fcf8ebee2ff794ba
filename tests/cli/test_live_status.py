"""status --watch on a real terminal, over a real step: it shows, and its keys change the step."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg
import pytest

from membership_refactor.cli import live_status
from membership_refactor.database import libpq_url
from tests.cli.processes import ROOT, filled, query, refactor, until, value
from tests.fixtures.databases import TemplateDatabase

CONTROL = "public_refactor.control"


@dataclass
class Terminal:
    """membership-refactor on a pseudo-terminal of 80 columns."""

    process: subprocess.Popen[bytes]
    master: int
    seen: str = ""

    def press(self, key: str) -> None:
        os.write(self.master, key.encode())

    def shows(self, text: str, *, seconds: float = 60) -> None:
        """Returns when the text has been drawn."""
        ends = time.monotonic() + seconds
        while text not in self.plain():
            assert time.monotonic() < ends, f"never shown: {text}\n{self.plain()[-2000:]}"
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 65536).decode(errors="replace")

    def plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen)

    def forget(self) -> None:
        self.seen = ""


@contextmanager
def watching(url: str, *options: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    command = [str(ROOT / ".venv/bin/membership-refactor"), "-c", str(ROOT / "alembic.ini")]
    process = subprocess.Popen(
        [*command, "status", "--watch", "0.2", *options],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "TERM": "xterm", "COLUMNS": "80"},
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.fixture
def busy(template_database: TemplateDatabase) -> Iterator[str]:
    """A database in which 0003 runs, paused before its first batch."""
    url = template_database("cli filled", filled)
    query(url, f"INSERT INTO {CONTROL} (plan, paused) VALUES ('programme_membership', true)")
    command = [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini")]
    step = subprocess.Popen(
        [*command, "upgrade", "0003"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        waiting = "SELECT count(*) FROM public_refactor.event WHERE event = 'waiting'"
        until(lambda: value(url, waiting) > 0)
        yield url
    finally:
        step.kill()
        step.wait()


def test_keys_let_a_paused_step_go_on_to_its_end(busy: str) -> None:
    with watching(busy) as terminal:
        terminal.shows("0003 copy_table is open up")
        terminal.shows("waiting: paused in the ledger")
        terminal.press("r")
        terminal.shows("resume: running")
        terminal.shows("at 0003, no step is open")
        terminal.press("q")
        assert terminal.process.wait(30) == 0


def test_slower_and_faster_change_the_size_of_batches_and_pause_says_who_paused(busy: str) -> None:
    with watching(busy) as terminal:
        terminal.shows("is open up")
        for key, said in (("s", "slower: paused, 1,000 rows"), ("f", "faster: paused, 2,000 rows")):
            terminal.press(key)
            terminal.shows(said)
        terminal.press("p")
        terminal.shows("pause: paused")
        assert query(busy, f"SELECT paused, batch_rows, note FROM {CONTROL}") == [
            (True, 2000, "status --watch")
        ]
        terminal.press("q")
        assert terminal.process.wait(30) == 1


def test_ctrl_c_ends_the_view_and_leaves_the_step_and_the_terminal_as_they_were(busy: str) -> None:
    with watching(busy) as terminal:
        terminal.shows("is open up")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(30) == 1
        assert "Traceback" not in terminal.plain()
    assert value(busy, "SELECT state FROM public_refactor.step WHERE step = 'copy_table'") == "open"


def test_a_writer_who_waits_for_a_lock_is_shown_with_pid_and_table(busy: str) -> None:
    name = "public.programme_membership"
    with (
        closing(psycopg.connect(libpq_url(busy))) as holder,
        closing(psycopg.connect(libpq_url(busy))) as waiter,
        watching(busy) as terminal,
    ):
        holder.execute(f"LOCK TABLE {name} IN SHARE MODE")
        terminal.shows("is open up")
        waiter.pgconn.send_query(f"DELETE FROM {name}".encode())
        terminal.shows("session of others, the longest for")
        terminal.shows(f"pid {waiter.info.backend_pid}")


def test_without_a_terminal_it_prints_plain_lines_when_something_has_changed(busy: str) -> None:
    command = [str(ROOT / ".venv/bin/membership-refactor"), "-c", str(ROOT / "alembic.ini")]
    process = subprocess.Popen(
        [*command, "status", "--watch", "0.2"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": busy},
    )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        query(busy, f"UPDATE {CONTROL} SET paused = false")
        last = first
        while "no step is open" not in last:
            last = process.stdout.readline()
            assert last, "it ended"
    finally:
        process.kill()
        process.wait()
    assert "0003 copy_table is open up" in first and "\x1b" not in first


def test_what_it_cannot_do_is_one_line(template_database: TemplateDatabase) -> None:
    url = template_database("cli filled", filled)
    done = refactor("status", "--watch", "--format", "json", url=url)
    assert done.status == 2 and "status --watch shows text" in done.err
    for wrong in ("0", "-1", "soon", "nan"):
        done = refactor("status", f"--watch={wrong}", url=url)
        assert done.status == 2 and "is not a number of seconds" in done.err, done.err


def test_the_end_of_the_input_quits_instead_of_asking_the_server_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as ended:
        monkeypatch.setattr(sys, "stdin", ended)
        assert live_status._pressed(0) == ""
        os.write(writing, b"P")
        assert live_status._pressed(5) == "p"
        os.close(writing)
        assert live_status._pressed(5) == live_status.QUIT
