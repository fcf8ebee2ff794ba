"""What a command does not import: what others need takes most of the time of a short one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.chain.fixed import FIXED
from tests.cli.processes import ROOT, environment
from tests.fixtures.databases import TemplateDatabase

LISTED = """
import json, sys
from membership_refactor.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    print(json.dumps([ended.code, sorted(sys.modules)]), file=sys.stderr)
"""
PACKAGE = "membership_refactor"
MOST, MOST_OF_OURS = 840, 320
"""Modules that a short command may import: all of them, and those of this package."""
EXTRAS = {"sqlglot", "tree_sitter", "tree_sitter_language_pack", "jinja2", "asyncpg", "matplotlib"}
LIBRARIES = {"alembic", "sqlalchemy", "psycopg", "mako", "rich", "pygments", "tenacity", "asyncio"}
ROOMS = {
    *("_several_keys", "demo", "enrollment", "models", "propose", "rehearsal", "report"),
    *("scan", "tenants", "testing", "watch"),
}


def imported(*arguments: str, url: str = "") -> tuple[int, set[str]]:
    """The status of the command, and every module that its process has imported."""
    done = subprocess.run(
        [sys.executable, "-c", LISTED, *arguments],
        cwd=ROOT,
        env=environment(**({"DATABASE_URL": url} if url else {})),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    return status, set(modules)


def among(modules: set[str], names: set[str]) -> Iterator[str]:
    """Those of the names of which a module was imported."""
    return (name for name in sorted(names) if any(m.split(".")[0] == name for m in modules))


def rooms(modules: set[str]) -> set[str]:
    """The rooms of this package of which a module was imported."""
    return {m.split(".")[1] for m in modules if m.startswith(f"{PACKAGE}.")}


def test_help_imports_no_library_and_nearly_nothing_of_this_package() -> None:
    status, modules = imported("--help")
    assert status == 0
    assert list(among(modules, EXTRAS | LIBRARIES)) == []
    assert rooms(modules) == {"cli", "counts", "errors", "planning", "x_names"}
    assert {m for m in modules if m.startswith(f"{PACKAGE}.cli")} == {
        f"{PACKAGE}.cli",
        f"{PACKAGE}.cli.help_page",
    }


@pytest.mark.parametrize("arguments", [("status",), ("upgrade", "0001")])
def test_what_needs_no_models_imports_none_and_no_room_that_it_does_not_enter(
    template_database: TemplateDatabase, arguments: tuple[str, ...]
) -> None:
    status, modules = imported(*arguments, url=template_database("fixed", FIXED))
    assert status == 0
    assert {"alembic", "sqlalchemy", "psycopg"} <= set(among(modules, LIBRARIES))
    assert list(among(modules, EXTRAS | {"rich", "pygments"})) == []
    assert rooms(modules) & ROOMS == set()
    assert "sqlalchemy.orm" not in modules
    # Each hundred costs about a twentieth of a second.
    assert len({m for m in modules if m.startswith(PACKAGE)}) < MOST_OF_OURS
    assert len(modules) < MOST
    verbs = {"checks", "plan", "scan", "verify", "watch", "new", "demo", "live_status"}
    assert not {f"{PACKAGE}.cli.{verb}" for verb in verbs} & modules
