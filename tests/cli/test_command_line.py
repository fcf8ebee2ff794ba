"""Alembic's command line is whole, and every verb explains itself."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import alembic
import pytest
from alembic.config import CommandLine

import membership_refactor
from membership_refactor.cli import all_schemas_options, help_page
from membership_refactor.cli.command_line import command_line, run, verbs
from membership_refactor.environment import request_from
from membership_refactor.errors import WrongUse
from membership_refactor.execution.options import Options
from membership_refactor.x_names import X_NAMES
from tests.cli.processes import command, environment

VERBS = list(verbs())
OURS = command_line().subparsers.choices
ALEMBIC = CommandLine(prog="alembic")
ALEMBICS = ALEMBIC.subparsers.choices


def arguments_of(parser: argparse.ArgumentParser) -> str:
    """The usage in one line, without the program's name."""
    return " ".join(parser.format_usage().partition("] ")[2].split())


@pytest.mark.parametrize("verb", ALEMBICS)
def test_a_verb_of_alembics_takes_what_it_takes_in_alembic(verb: str) -> None:
    if verb in all_schemas_options.OF_ALEMBIC:
        all_schemas_options.add_options(ALEMBICS[verb])
        all_schemas_options.add_format(ALEMBICS[verb])
    assert arguments_of(OURS[verb]) == arguments_of(ALEMBICS[verb])


def test_the_version_is_this_packages_and_alembics(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    ours, alembics = membership_refactor.__version__, alembic.__version__
    assert capsys.readouterr().out == f"membership-refactor {ours} (Alembic {alembics})\n"


def test_the_page_of_help_says_what_alembic_and_the_modules_say() -> None:
    """It reads their text, and imports none of them."""
    listed = {
        action.dest: " ".join((action.help or "").split())
        for action in vars(ALEMBIC.subparsers)["_choices_actions"]
    }
    assert dict(help_page.of_alembic()) == listed
    assert {(verb.name, verb.help) for verb in help_page.declared()} == {
        (verb.NAME, verb.HELP) for verb in VERBS
    }
    shown = " ".join(help_page.page().split())
    for name, text in listed.items():
        assert f"{name} {text}" in shown
    for action in ALEMBIC.parser._actions:
        assert all(option in shown for option in action.option_strings), action.option_strings


def test_no_verb_of_ours_hides_one_of_alembics() -> None:
    assert not {verb.NAME for verb in VERBS} & set(ALEMBICS)
    assert set(OURS) == {verb.NAME for verb in VERBS} | set(ALEMBICS)


def test_two_heads_are_merged_by_alembics_merge(tmp_path: Path) -> None:
    """A project of somebody's own, from ``init`` to one head, all through this command line."""

    def ran(*arguments: str) -> str:
        done = subprocess.run(
            [*command("membership-refactor"), *arguments],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    ran("init", "migrations")
    assert (tmp_path / "alembic.ini").exists()
    for revision in ("aaa", "bbb"):
        ran("revision", "-m", revision, "--rev-id", revision, "--head", "base", "--splice")
    assert {line.split()[0] for line in ran("heads").splitlines()} == {"aaa", "bbb"}
    ran("merge", "heads", "-m", "one again", "--rev-id", "ccc")
    assert [line.split()[0] for line in ran("heads").splitlines()] == ["ccc"]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.NAME)
def test_help_says_what_the_verb_does_with_an_example_and_every_option(verb: ModuleType) -> None:
    parser = OURS[verb.NAME]
    shown = parser.format_help()
    assert "example:" in shown and f"membership-refactor {verb.NAME}" in shown
    assert parser.description
    without = [a.dest for a in parser._actions if not a.help]
    assert without == []
    # argparse does not break the usage of options that exclude each other.
    wide = [line for line in shown.partition("\n\n")[2].splitlines() if len(line) > 80]
    assert wide == []


def test_an_example_can_be_parsed() -> None:
    for verb in VERBS:
        example = getattr(verb, "EXAMPLE", f"membership-refactor {verb.NAME}")
        words = example.partition(" > ")[0].replace("'", "").split()
        assert command_line().parser.parse_known_args(words[1:])[0].cmd[0].__name__ == verb.NAME


def test_help_lists_every_x_name_and_each_is_accepted() -> None:
    assert set(X_NAMES) == {"url", "schema", "portrait", *Options.names()}
    shown = command_line().parser.format_help()
    assert help_page.x_names() in shown
    for name in X_NAMES:
        request_from({name: {"pooler": "session", "max-latency": "2x"}.get(name, "1")})


@pytest.mark.parametrize("text", ["", "1", "1x", "fast", "-3x", "0ms", "2 s", "nanms", "1e3ms"])
def test_a_latency_that_is_no_limit_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(WrongUse) as said:
        request_from({"max-latency": text})
    assert str(said.value).startswith(f'-x max-latency="{text}" is neither a factor')
    assert "-x max-latency=50ms" in str(said.value) and "\n" not in str(said.value)


def test_latency_can_be_turned_off_and_is_on_otherwise() -> None:
    assert request_from({"max-latency": "off"}).options.max_latency is None
    assert request_from({}).options.max_latency is not None


def test_the_module_can_be_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "membership_refactor.cli", "--version"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0 and "membership-refactor" in done.stdout
