"""A page for each verb of the command line, made from its parser."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator

from membership_refactor.cli.command_line import command_line, verbs

PROGRAM = "membership-refactor"


def pages() -> Iterator[tuple[str, str]]:
    """(name, text) of every page, the list of them first."""
    parsers = command_line().subparsers.choices
    own = [verb.NAME for verb in verbs()]
    yield "index", _contents(parsers, own)
    for name in own:
        yield name, _page(parsers[name])


def _contents(parsers: dict[str, argparse.ArgumentParser], own: list[str]) -> str:
    alembic = sorted(set(parsers) - set(own))
    return "\n".join(
        [
            "# Commands",
            "",
            f"`{PROGRAM}` has all of Alembic's commands, and these:",
            "",
            "| command | what it does |",
            "|---|---|",
            *(f"| [{name}]({name}.md) | {_first_sentence(parsers[name])} |" for name in own),
            "",
            "Options that concern the whole run stand before the command:",
            "[`-x NAME=VALUE`](../options.md) and `-c FILE` for another `alembic.ini`.",
            "",
            "Alembic's own commands are " + ", ".join(f"`{name}`" for name in alembic) + ".",
            "They are described in [Alembic's documentation](https://alembic.sqlalchemy.org).",
            "",
            "```{toctree}",
            ":hidden:",
            "",
            *own,
            "```",
            "",
        ]
    )


def _page(parser: argparse.ArgumentParser) -> str:
    usage = textwrap.dedent(parser.format_usage().replace("usage:", "      ", 1)).rstrip()
    lines = [f"# {parser.prog.split()[-1]}", "", _escaped(parser.description or ""), ""]
    lines += ["```text", usage, "```", ""]
    arguments = [a for a in parser._actions if not isinstance(a, argparse._HelpAction)]
    lines += ["| argument | meaning |", "|---|---|"]
    lines += [f"| {_written(a)} | {_meaning(a)} |" for a in arguments]
    if parser.epilog:
        lines += ["", "```text", parser.epilog.strip("\n"), "```"]
    return "\n".join([*lines, ""])


def _written(action: argparse.Action) -> str:
    names = action.option_strings or [str(action.metavar or action.dest)]
    value = ""
    if action.option_strings and action.nargs != 0:
        value = " " + str(action.metavar or "|".join(map(str, action.choices or ())) or "…")
        if not action.metavar and not action.choices:
            value = " " + action.dest.upper()
    return ", ".join(f"`{name}{value}`".replace("|", "\\|") for name in names)


def _meaning(action: argparse.Action) -> str:
    if action.choices and not action.help:
        return "one of " + ", ".join(f"`{choice}`" for choice in action.choices)
    return _escaped((action.help or "").replace("%(default)s", str(action.default)))


def _first_sentence(parser: argparse.ArgumentParser) -> str:
    return _escaped((parser.description or "").partition(". ")[0])


def _escaped(text: str) -> str:
    """One line that Markdown shows as it is."""
    return re.sub(r"([<>|*`_\\\[\]])", r"\\\1", " ".join(text.split()))
