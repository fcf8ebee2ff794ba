"""The page of ``membership-refactor --help``: every verb with its line, and the names of ``-x``.

What it says of the verbs is read from the text of their modules, Alembic's and our own. Importing
them takes most of a second.
"""

from __future__ import annotations

import argparse
import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from membership_refactor.x_names import X_NAMES

PROGRAM = "membership-refactor"
_DECLARED = re.compile(r'^NAME = "([^"]+)"\nHELP = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Declared:
    """A verb of this package, as the first lines of its module declare it."""

    name: str
    help: str
    module: str


def declared() -> Iterator[Declared]:
    """The verbs of this package, ordered by module name."""
    here = Path(__file__).parent
    for file in sorted(here.glob("*.py")):
        found = _DECLARED.search(file.read_text(encoding="utf-8"))
        if found:
            yield Declared(found[1], found[2], f"{__package__}.{file.stem}")


def of_alembic() -> Iterator[tuple[str, str]]:
    """The commands of the installed Alembic, each with the first paragraph of its docstring."""
    spec = find_spec("alembic")
    assert spec is not None and spec.origin is not None
    text = (Path(spec.origin).parent / "command.py").read_text(encoding="utf-8")
    functions = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
    for function in sorted(functions, key=lambda function: function.name):
        if not function.name.startswith("_"):
            paragraph = (ast.get_docstring(function) or "").partition("\n\n")[0]
            yield function.name, " ".join(paragraph.split())


def page() -> str:
    """The whole page."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Alembic's commands, and the verbs that split a live table.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=x_names(),
    )
    add = parser.add_argument
    add("--version", action="version", help="show this package's version and Alembic's, and exit")
    add(
        "-c",
        "--config",
        action="append",
        help="the configuration file: an alembic.ini or a pyproject.toml, or both, one after the "
        "other (default: ALEMBIC_CONFIG, then alembic.ini)",
    )
    add("-n", "--name", help="the section of the alembic.ini to use (default: alembic)")
    add("-x", action="append", help="NAME=VALUE for env.py; repeat the option for each; see below")
    add("--raiseerr", action="store_true", help="show the whole traceback of an error")
    add("-q", "--quiet", action="store_true", help="print no log to standard output")
    commands = parser.add_subparsers(metavar="VERB", title="verbs")
    for name, text in (*of_alembic(), *((verb.name, verb.help) for verb in declared())):
        commands.add_parser(name, help=text.replace("%", "%%"))
    return parser.format_help()


def x_names() -> str:
    """The list of -x names."""
    width = max(map(len, X_NAMES)) + 2
    lines = ["-x NAME=VALUE, before the verb:"]
    for name, text in X_NAMES.items():
        lines += textwrap.wrap(
            text,
            width=79,
            initial_indent=f"  {name:<{width}}",
            subsequent_indent=" " * (width + 2),
        )
    lines += ["", "example:", f"  {PROGRAM} -x schema=tenant_a upgrade 0004"]
    return "\n".join(lines)
