"""Where the commands of a page are run: the installed package, a fresh folder, one shell."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from membership_refactor.database import (
    libpq_url,
    of_the_wheel,
    on_this_machine,
    server_for_tests,
    stop_kept,
)
from membership_refactor.demo.data import load
from membership_refactor.testing.scratch_databases import Databases
from tests.cli.processes import alembic, environment
from tests.docs.blocks import ROOT
from tests.docs.transcripts import Session, Shown
from tests.fixtures.databases import Layer
from tests.fixtures.server import SETTINGS

SECONDS = 180
"""How long the commands of one block may take."""
END = "@@ended "
ROWS = 400


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What the commands of a block printed, on both outputs, and their last bad status."""

    output: str
    status: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """An environment with the package installed from its wheel, and databases."""

    programs: Path
    """The folder of `membership-refactor`, `alembic` and `python`."""
    databases: Databases

    @classmethod
    @contextlib.contextmanager
    def on_own_server(cls) -> Iterator[Place]:
        """A place outside of a test."""
        with (
            tempfile.TemporaryDirectory() as folder,
            server_for_tests(settings=SETTINGS) as server,
        ):
            databases = Databases(server)
            with databases.claimed():
                yield cls(programs=installed(Path(folder)), databases=databases)

    def run(self, session: Session) -> Iterator[tuple[Shown, Ended]]:
        """Each block of the session and how it ended, one after the other."""
        with _reader_folder() as folder, contextlib.ExitStack() as stack:
            if "embedded" in session.words:
                env = {"XDG_STATE_HOME": str(folder / "state")}
                (folder / "state").mkdir()
                stack.callback(stop_kept, environ=env)
            else:
                url = self._database(session.words.get("at"))
                stack.callback(self.databases.drop, url)
                env = {"DATABASE_URL": libpq_url(url)}
                env["ALEMBIC_CONFIG"] = str(ROOT / "alembic.ini")
            shell = stack.enter_context(_shell(folder / "home", self._environment(folder, env)))
            for block in session.blocks:
                ended = _typed(shell, block.commands, folder / "commands")
                yield (
                    block,
                    Ended(
                        output=ended.output.replace(str(folder / "home"), "/home/you"),
                        status=ended.status,
                    ),
                )

    def _database(self, revision: str | None) -> str:
        if revision is None:
            return self.databases.new()
        return standing_at(revision).copied(self.databases)

    def _environment(self, folder: Path, more: dict[str, str]) -> dict[str, str]:
        binaries = next(iter(on_this_machine()), None) or of_the_wheel()
        path = [str(self.programs), os.environ["PATH"], str(binaries.folder) if binaries else ""]
        return environment(
            HOME=str(folder / "home"),
            PATH=os.pathsep.join(path),
            LC_ALL="C.UTF-8",
            TZ="UTC",
            PSQLRC="/dev/null",
            PGTZ="UTC",
            XDG_RUNTIME_DIR=str(folder),
            **more,
        )


def standing_at(revision: str) -> Layer:
    """The chain at that revision, with generated rows from 0002 on."""

    def build(url: str) -> None:
        done = alembic("-x", "accept-usage=documentation", "upgrade", revision, url=url)
        assert done.status == 0, done.err
        if revision == "0002":
            with psycopg.connect(libpq_url(url)) as connection:
                load(connection, rows=ROWS)

    above = standing_at(f"{int(revision) - 1:04d}") if revision > "0002" else None
    return Layer(f"docs {revision}", build, above)


def installed(folder: Path) -> Path:
    """A fresh environment in which pip has installed this package's wheel; its programs' folder.

    What the package needs is taken from this environment, so that no network is needed.
    """
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "wheel")],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = (folder / "wheel").glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "needed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    script = programs / "alembic"
    script.write_text(f'#!/bin/sh\nexec {programs / "python"} -m alembic "$@"\n')
    script.chmod(0o755)
    return programs


@contextlib.contextmanager
def _reader_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mr-docs-"))
    # The embedded server of root runs as somebody else, who has to pass through.
    folder.chmod(0o711)
    (folder / "home").mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _shell(folder: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A shell without a terminal; what it started in the background ends with it."""
    shell = subprocess.Popen(
        ["bash", "--noprofile", "--norc"],
        cwd=folder, env=env, text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield shell
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, 9)
        shell.communicate()


def _typed(shell: subprocess.Popen[str], commands: str, file: Path) -> Ended:
    """What the shell printed for these commands, up to a line that says how they ended."""
    assert shell.stdin is not None and shell.stdout is not None
    file.write_text(commands if commands.endswith("\n") else commands + "\n")
    shell.stdin.write(
        f"bad=0; trap 'bad=$?' ERR; . {file} </dev/null; trap - ERR; echo; echo {END}$bad\n"
    )
    shell.stdin.flush()
    lines: list[str] = []
    late = threading.Timer(SECONDS, os.killpg, (shell.pid, 9))
    late.start()
    try:
        for line in shell.stdout:
            if line.startswith(END):
                return Ended(output="".join(lines).strip("\n"), status=int(line[len(END) :]))
            lines.append(line)
    finally:
        late.cancel()
    raise AssertionError(f"the shell ended in: {commands}\n{''.join(lines)}")
