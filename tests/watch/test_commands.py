"""``watch`` and ``usage`` on the command line: status, forms, and one line for what is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.testing.scratch_databases import Databases
from tests.cli.in_process import in_process
from tests.cli.processes import ROOT
from tests.fixtures.watched import SOURCE

T = "programme_membership"


@pytest.fixture
def url(counting_databases: Databases) -> Iterator[str]:
    """An empty legacy table at 0004, on a server that counts statements."""
    with counting_databases.temporary() as made:
        assert in_process(made, "upgrade", "0004").status == 0
        run(made, "CREATE EXTENSION pg_stat_statements")
        yield made


def run(url: str, text: str) -> None:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(text.encode())


def test_the_status_tells_silence_from_a_first_sample_and_from_a_use(url: str) -> None:
    first = in_process(url, "watch")
    assert (first.status, "first sample; the evidence begins here" in first.out) == (1, True)
    assert in_process(url, "watch").status == 0
    run(url, f"SELECT count(*) FROM {T}")
    used = in_process(url, "watch")
    assert used.status == 1
    assert f"{SOURCE} (pg_stat_statements): used once since " in used.out
    assert "by postgres" in used.out
    assert in_process(url, "watch").status == 0


def test_usage_ends_with_1_while_somebody_uses_what_goes_next(url: str) -> None:
    in_process(url, "watch")
    assert in_process(url, "usage").status == 0
    run(url, f"SELECT count(*) FROM {T}")
    in_process(url, "watch")
    text = in_process(url, "usage")
    assert text.status == 1
    assert f"SELECT count(*) FROM {T}" in text.out
    assert "pg_stat_statements cannot see the application" in text.out
    assert json.loads(in_process(url, "usage", "--format", "json").out)["in_use"] is True
    assert in_process(url, "usage", "--format", "csv").out.startswith("target,role,")


def test_a_role_of_the_consumers_file_that_does_not_exist_is_one_line(
    url: str, tmp_path: Path
) -> None:
    file = tmp_path / "consumers.toml"
    file.write_text('[[consumer]]\nname = "a"\nroles = ["nobody_has_this"]\nunaffected = "so"\n')
    ended = in_process(url, "usage", "--consumers", str(file))
    assert f'The server has no role "nobody_has_this", which {file} names.' in ended.err
    assert "gates:" in ended.out


@pytest.mark.parametrize("text", ["5", "0m", "m", "5 weeks", "-5m"])
def test_a_time_that_is_none_is_one_line(text: str, url: str) -> None:
    ended = in_process(url, "watch", f"--every={text}")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        f'FAILED: --every "{text}" is not a time. Give a number with s, m or h: --every 5m.\n'
    )


def test_a_standby_that_is_no_url_is_one_line_without_the_password(url: str) -> None:
    ended = in_process(url, "watch", "--standby", "mysql://me:secret@host/db")
    assert ended.status != 0
    assert ended.err.startswith("FAILED: --standby begins with mysql://")
    assert "secret" not in ended.err + ended.out


@pytest.mark.parametrize("text", ["host:5432=/logs/*.json", "local:5432", "/logs/*.json"])
def test_a_log_of_no_standby_is_one_line(text: str, url: str) -> None:
    ended = in_process(url, "watch", "--standby", url, "--standby-log", text)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f'FAILED: --standby-log "{text}" names no standby that is given')
    assert "Write HOST:PORT=PATTERN. Given: " in ended.err


def test_a_chain_that_never_began_has_nothing_to_watch(counting_databases: Databases) -> None:
    with counting_databases.temporary() as empty:
        ended = in_process(empty, "watch")
        assert ended.status == 255
        assert "there is no ledger" in ended.err
        assert len(ended.err.splitlines()) == 1
        shown = in_process(empty, "usage")
        assert shown.status == 0
        assert "never sampled; start: membership-refactor watch" in shown.out


def test_without_the_extension_one_line_says_what_to_do(url: str) -> None:
    run(url, "DROP EXTENSION pg_stat_statements")
    in_process(url, "watch")
    ended = in_process(url, "watch")
    assert ended.status == 1
    assert "  the extension is not there: CREATE EXTENSION pg_stat_statements;" in ended.out


def test_watching_goes_on_until_it_is_stopped(url: str) -> None:
    line = [sys.executable, "-m", "membership_refactor.cli", "-c", str(ROOT / "alembic.ini"),
            "-x", f"url={url}", "watch", "--every", "1s"]  # fmt: skip
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert "first sample" in lines[0]
    assert all("no use since" in line for line in lines[2:])
    assert err.endswith("FAILED: interrupted.\n")
    assert "Traceback" not in err


def test_what_a_scan_runs_to_compare_two_forms_is_no_use(url: str, tmp_path: Path) -> None:
    file = tmp_path / "reports.sql"
    file.write_text(f"SELECT rotation, count(*) FROM {T} GROUP BY rotation;\n")
    in_process(url, "watch")
    found = in_process(url, "scan", str(file), "--stage", "copy", "--compare")
    assert "equal on" in found.out, found.err
    silent = in_process(url, "watch")
    assert silent.status == 0, silent.out
