"""A command in a forked process ends as it does in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import fork_server
from tests.cli.processes import environment

SHOWN = """
import os, sys
print(sorted(os.environ.items()), os.getcwd(), sys.argv, sys.path[0], __name__)
print("an error", file=sys.stderr)
sys.exit(3)
"""


@pytest.mark.parametrize("more", [{"WORD": "one"}, {"PYTHONHASHSEED": "1"}])
@pytest.mark.parametrize("line", [("shown", "a b", ""), ("json.tool", "--wrong"), ("nowhere",)])
def test_it_has_the_same_surroundings_and_ends_alike(
    line: tuple[str, ...], more: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "shown.py").write_text(SHOWN)
    given = environment(**more)
    module, *arguments = line
    found = fork_server.run(module, arguments, folder=tmp_path, environment=given)
    own = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=tmp_path, env=given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (own.returncode, own.stdout)
    # The traceback of a missing module names what called it; its last line is the same.
    assert (
        found.stderr.splitlines()[-1].split(": ")[-1] == own.stderr.splitlines()[-1].split(": ")[-1]
    )


def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    (tmp_path / "stays.py").write_text("import os, time\nprint(os.getpid())\ntime.sleep(600)\n")
    with pytest.raises(subprocess.TimeoutExpired):
        fork_server.run("stays", [], folder=tmp_path, environment=environment(), seconds=0.2)
    after = fork_server.run("json.tool", ["--help"], folder=tmp_path, environment=environment())
    assert after.returncode == 0
