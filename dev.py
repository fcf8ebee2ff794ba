"""Every chore of this project, on a fresh machine too: makes .venv when needed, then runs a verb.

Only the standard library: this file runs before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TypedDict

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".installed.json"
OLDEST = (3, 11)

# What each verb needs installed; demo stays small, so that a first look is quick.
EXTRAS = {
    "install": {"dev", "bench"},
    "demo": {"embedded", "report", "scan"},
    "test": {"test"},
    "bench": {"embedded", "bench"},
    "lint": {"dev"},
    "campaign": {"test"},
    "mutants": {"test"},
    "docs": {"docs"},
    "ci": {"dev"},
}
IMPLIED = {
    "dev": {"docs", "test", "embedded", "report", "scan"},
    "test": {"embedded", "report", "scan"},
}
EVERYDAY = ("-m", "not slow and not mutants and not campaign and not bench")
"""What a plain `make test` leaves out; each has its own verb or `-m`."""


class Stamp(TypedDict, total=False):
    """What was installed last."""

    digest: str
    extras: list[str]
    python: list[int]


def main(arguments: Sequence[str]) -> int:
    if sys.version_info < OLDEST:
        return complain(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    parser = argparse.ArgumentParser(
        prog="dev.py", description="Further arguments go to the tool behind the verb."
    )
    parser.add_argument("verb", choices=sorted(EXTRAS))
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    try:
        install(EXTRAS[options.verb])
        if options.verb == "install":
            return 0
        keep_bytecode()
        lines = commands(options.verb, options.rest)
        if len(lines) == 1:
            become(lines[0])
        return run_all(lines)
    except subprocess.CalledProcessError as failure:
        return complain(f"this command failed with status {failure.returncode}: {failure.cmd}")
    except KeyboardInterrupt:
        return complain("interrupted.", status=130)


def commands(verb: str, rest: Sequence[str]) -> list[list[str]]:
    python = str(PYTHON)
    pytest = [python, "-m", "pytest"]
    if verb == "demo":
        return [[str(VENV / "bin" / "membership-refactor"), "demo", *rest]]
    if verb == "test":
        marks = [] if any(word.startswith("-m") for word in rest) else EVERYDAY
        return [[*pytest, "-p", "xdist", "-n", "2", "--dist", "worksteal", *marks, *rest]]
    if verb == "bench":
        measure = [python, "-m", "benchmarks", *rest]
        # What was written to docs/ goes into the README too.
        told = [] if {"--out", "--quick"} & set(rest) else [[python, "-m", "tests.docs.generated"]]
        return [measure, *told]
    if verb == "campaign":
        return [[python, "-m", "tests.campaign", *rest]]
    if verb == "mutants":
        return [[python, "-m", "tests.mutants", *rest]]
    if verb == "docs":
        print("dev.py: building build/site/index.html", file=sys.stderr)
        # All of it anew: docstrings and the contents beside a page change without the page.
        strict = ["--fail-on-warning", "--keep-going", "--fresh-env", "--quiet"]
        return [[python, "-m", "sphinx", *strict, *rest, "docs", "build/site"]]
    if verb == "ci":
        return [*commands("lint", []), *commands("docs", []), *commands("test", [])]
    if rest:
        return [[python, "-m", "ruff", "check", *rest]]
    return [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-m", "vulture"],
    ]


def keep_bytecode() -> None:
    """Compiled modules are kept in .venv, also where the shell says that none are written.

    The tests start hundreds of processes, and each would compile everything that it imports.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(VENV / "bytecode")


def become(line: Sequence[str]) -> NoReturn:
    """The verb takes this process over, so that Ctrl-C reaches it and nobody kills it meanwhile."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(ROOT)
    os.execv(line[0], list(line))


def run_all(lines: Sequence[Sequence[str]]) -> int:
    """Run every line even if an earlier one fails, so that one run shows all there is to mend."""
    statuses = [subprocess.run(line, cwd=ROOT, check=False).returncode for line in lines]
    return next((status for status in statuses if status), 0)


def install(extras: set[str]) -> None:
    """The environment has what the extras name; when it already had, this takes milliseconds."""
    with only_one_at_a_time():
        wanted = hashlib.sha256()
        wanted.update((ROOT / "pyproject.toml").read_bytes())
        wanted.update(repr(sys.version_info[:2]).encode())
        digest = wanted.hexdigest()
        before = read_stamp()
        have = set(before.get("extras", []))
        if PYTHON.exists() and before.get("digest") == digest and extras <= closure(have):
            return
        uv = shutil.which("uv")
        if not PYTHON.exists() or before.get("python") not in (None, list(sys.version_info[:2])):
            make_environment(uv)
            have = set()
        extras = extras | have
        target = f"{ROOT}[{','.join(sorted(extras))}]"
        print(f"dev.py: installing {', '.join(sorted(extras))} into .venv", file=sys.stderr)
        STAMP.unlink(missing_ok=True)
        if uv:
            run([uv, "pip", "install", "--quiet", "--python", str(PYTHON), "-e", target])
        else:
            run([str(PYTHON), "-m", "pip", "install", "--quiet", "-e", target])
        STAMP.write_text(
            json.dumps(
                {
                    "digest": digest,
                    "extras": sorted(extras),
                    "python": list(sys.version_info[:2]),
                }
            )
        )


def make_environment(uv: str | None) -> None:
    print("dev.py: creating .venv", file=sys.stderr)
    if uv:
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
    else:
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])


def closure(extras: set[str]) -> set[str]:
    return extras.union(*(IMPLIED.get(extra, set()) for extra in extras))


def read_stamp() -> Stamp:
    try:
        stamp: Stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Two terminals may start a verb at once; the second waits for the first's installation."""
    with open(ROOT / ".venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(line: Sequence[str]) -> None:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(line, cwd=ROOT, check=True, env=environment, stdout=sys.stderr)


def complain(text: str, *, status: int = 2) -> int:
    print(f"dev.py: {text}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
