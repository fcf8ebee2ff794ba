"""The disk is full in the middle of a step: it says so, and goes on when there is room again."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from membership_refactor.database import (
    LaunchedServer,
    create_database,
    launch,
    libpq_url,
    of_the_wheel,
    on_this_machine,
)
from membership_refactor.errors import RefactorError
from membership_refactor.portrait import differences
from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import OPTIONS, Chain, build, snapshot
from tests.chain.killing import Moments, go
from tests.chain.subjects import MEMBERSHIP
from tests.fixtures.server import SETTINGS

ROWS = 12_000
MEGABYTE = 1 << 20
_BATCH = re.compile("SELECT first, last FROM")
SMALL = {"max_wal_size": "48MB", "min_wal_size": "32MB", "shared_buffers": "16MB"}


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own, which may be filled without harming anybody."""
    folder = Path("/tmp") / f"small_disk_{os.getpid()}"
    folder.mkdir(mode=0o755)
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=256m,mode=755", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("this user may not mount a small file system, and no other disk is filled")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def fill(connection: Any) -> None:
    connection.execute(
        "INSERT INTO public.programme_membership (person_id, programme_id, curriculum_id, "
        "rotation, programme_start_date, amended_date) "
        "SELECT n % 3 + 1, n % 2 + 1, n % 3, repeat('r', 200), "
        f"date '2000-01-01' + n / 2, '2020-01-01' FROM generate_series(1, {ROWS}) AS n"
    )


class Ballast:
    """A file that takes what is left of the disk."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ballast"

    def take(self) -> None:
        with open(self.file, "wb") as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * MEGABYTE)
                file.flush()

    def free(self) -> None:
        self.file.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize("revision", ["0003", "0007"])
def test_a_full_disk_stops_a_step_and_loses_nothing(
    revision: str, at: int, small_disk: Path
) -> None:
    binaries = next(iter(on_this_machine()), None) or of_the_wheel()
    assert binaries is not None
    with launch(binaries, settings={**SETTINGS, **SMALL}, folder=small_disk) as launched:
        undisturbed, chain = (_chain(launched, name, revision) for name in ("one", "two"))
        go(undisturbed, revision, Direction.UP)
        ballast = Ballast(small_disk)
        moment = Moments(_BATCH, at, ballast.take)
        with pytest.raises(RefactorError) as stopped:
            go(chain, revision, Direction.UP, engine=watched(chain.url, moment))
        assert "What it committed stays" in str(stopped.value)
        ballast.free()
        _answering(launched, chain)
        go(chain, revision, Direction.UP)
        after, found = snapshot(undisturbed), snapshot(chain)
        assert found.tables == after.tables
        assert differences(after.portrait, found.portrait) == ()
        assert found.own == after.own


def _chain(launched: LaunchedServer, name: str, revision: str) -> Chain:
    url = create_database(launched.server.url, name, template="template0")
    build(MEMBERSHIP, fill)(url)
    chain = Chain(url, MEMBERSHIP, replace(OPTIONS, batch_rows=3_000))
    chain.up_to(f"{int(revision) - 1:04d}")
    return chain


def _answering(launched: LaunchedServer, chain: Chain) -> None:
    """Where the log of the server could not be written it has ended, and is started again."""
    try:
        psycopg.connect(libpq_url(chain.url)).close()
    except psycopg.OperationalError:
        launched.stop("immediate")
        launched.start()
