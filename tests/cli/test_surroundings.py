"""Odd URLs, a full disk, a closed pipe, an early Ctrl-C, the C locale, a hot standby: one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from membership_refactor.plans.program_enrollment import IDENTITY
from tests.cli.in_process import in_process
from tests.cli.processes import (
    FINDINGS,
    REFUSED,
    ROOT,
    WRONG_USE,
    alembic,
    command,
    environment,
    filled,
    query,
    ran,
    refactor,
)
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.server import LaunchServer

NOWHERE = "postgresql://somebody:hunter2@127.0.0.1:1/nothing"
BOTH = [("alembic", ("upgrade", "head")), ("membership-refactor", ("status",))]


def configuration(folder: Path, url: str) -> str:
    """An alembic.ini of one's own for the shipped revisions."""
    file = folder / "alembic.ini"
    file.write_text(
        f"[alembic]\nscript_location = {ROOT}/alembic\npath_separator = os\n"
        f"sqlalchemy.url = {url}\n"
        "[several_keys]\nscript_location = membership_refactor:_several_keys\npath_separator = os\n"
    )
    return str(file)


@pytest.mark.parametrize(("program", "verb"), BOTH)
def test_a_single_percent_sign_in_the_configuration_is_said_without_the_password(
    tmp_path: Path, program: str, verb: tuple[str, ...]
) -> None:
    file = configuration(tmp_path, "postgresql://user:hunter%402@127.0.0.1:1/nothing")
    done = ran(program, "-c", file, *verb)
    assert done.status in (REFUSED, WRONG_USE)
    assert "sqlalchemy.url" in done.said and "%%" in done.said
    assert "hunter" not in done.out + done.err


@pytest.mark.parametrize(("program", "verb"), BOTH)
@pytest.mark.parametrize("password", ["hunter2@more", "hunter2@a/more@c"])
def test_a_password_that_is_not_escaped_is_said_and_not_shown(
    program: str, verb: tuple[str, ...], password: str
) -> None:
    done = ran(program, *verb, url=f"postgresql://user:{password}@127.0.0.1:1/nothing")
    assert done.status == REFUSED
    assert "-x url cannot be read" in done.said and "%40" in done.said
    assert "hunter2" not in done.out + done.err and "more" not in done.said


@pytest.mark.parametrize("name", ["url", "portrait"])
def test_an_empty_x_value_is_wrong_use(name: str) -> None:
    done = refactor("-x", f"{name}=", "status", DATABASE_URL=NOWHERE)
    assert (done.status, f"-x {name}= is empty" in done.said) == (WRONG_USE, True)


def test_a_hint_names_the_place_where_the_url_was_given(tmp_path: Path) -> None:
    assert "in -x url." in refactor("status", url=NOWHERE).said
    assert "in DATABASE_URL." in refactor("status", DATABASE_URL=NOWHERE).said
    file = configuration(tmp_path, NOWHERE)
    assert "in sqlalchemy.url." in refactor("-c", file, "status").said
    assert "in PGHOST, PGPORT." in refactor("status", PGHOST="127.0.0.1", PGPORT="1").said


def test_another_section_uses_the_url_of_the_first(tmp_path: Path) -> None:
    done = alembic("-c", configuration(tmp_path, NOWHERE), "-n", "several_keys", "current")
    assert done.status == REFUSED
    assert "No server answers at postgresql://somebody@127.0.0.1:1/nothing" in done.said


SCRIPT = ("upgrade", "head", "--sql")


@pytest.mark.parametrize("program", ["alembic", "membership-refactor"])
def test_a_full_disk_is_said_in_one_line(program: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*command(program), *SCRIPT],
            cwd=ROOT, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True,
            timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == REFUSED
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert done.stderr.count("the output could not be written: No space left on device") == 1


@pytest.mark.parametrize("program", ["alembic", "membership-refactor"])
def test_a_reader_who_leaves_is_no_traceback(program: str) -> None:
    process = subprocess.Popen(
        [*command(program), *SCRIPT],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(120) == REFUSED
    assert "Traceback" not in said and "Exception ignored" not in said
    assert said.count("the output could not be written: Broken pipe") == 1


@pytest.mark.parametrize(
    "module", ["membership_refactor.cli.command_line", "sqlalchemy", "psycopg"]
)
def test_ctrl_c_while_the_modules_are_imported_is_one_line(tmp_path: Path, module: str) -> None:
    """A finder of modules sends the signal when that import begins."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupts())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "from membership_refactor.cli import main; main(['status'])"],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(tmp_path), DATABASE_URL=NOWHERE),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (REFUSED, "FAILED: interrupted.\n")


@pytest.mark.parametrize(("program", "verb"), BOTH)
def test_the_c_locale_reads_the_configuration(program: str, verb: tuple[str, ...]) -> None:
    done = ran(program, *verb, DATABASE_URL=NOWHERE, LC_ALL="C", LANG="C")
    assert "No server answers" in done.said
    assert (ROOT / "alembic.ini").read_bytes().isascii()


def test_a_hot_standby_is_named_and_can_be_looked_at(launch_server: LaunchServer) -> None:
    launched = launch_server()
    url = launched.server.url
    assert in_process(url, "upgrade", "0002").status == 0
    launched.stop()
    assert launched.server.data is not None
    (launched.server.data / "standby.signal").touch()
    launched.start()
    for verb in (
        ("upgrade", "head"), ("downgrade", "base"), ("stamp", "base"), ("verify",),
        ("repair", "--apply"), ("abandon",),
    ):  # fmt: skip
        done = in_process(launched.server.url, *verb)
        assert done.status == REFUSED, done
        assert "hot standby" in done.said and "primary" in done.said
    for verb in (("status",), ("plan",), ("checks",), ("current",), ("duplicates",)):
        done = in_process(launched.server.url, *verb)
        assert done.status == 0, done


def test_duplicates_in_a_file_are_not_cut(template_database: TemplateDatabase) -> None:
    url = template_database("cli filled", filled)
    key = "k" * 150
    done = alembic("downgrade", "0001", url=url)
    assert done.status == 0
    scope = "9d3c1f6e-7f0a-4c53-8d6b-3f3c8f3f7a11"
    query(
        url,
        f"INSERT INTO {IDENTITY.table} (external_user_key, program_uuid, curriculum_uuid, status) "
        f"SELECT '{key}', '{scope}', '{scope}', 'enrolled' FROM generate_series(1, 2)",
    )
    done = refactor("duplicates", url=url)
    assert done.status == FINDINGS
    assert done.out.count(key) == 2 and scope in done.out and "mergeable" in done.out
