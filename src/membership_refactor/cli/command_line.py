"""The command line: Alembic's commands, this package's verbs, and one line for every failure."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import alembic
import psycopg
from alembic import command
from alembic.config import CommandFunction, CommandLine, Config
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

import membership_refactor
from membership_refactor import cli
from membership_refactor.cli.verb import WRONG_USE, Context
from membership_refactor.environment import (
    X_NAMES,
    configured_url,
    find_engine,
    guest_request,
    of_output,
    request_from,
    silence_driver,
    x_values,
)
from membership_refactor.errors import PlanError, RefactorError, WrongUse
from membership_refactor.execution.server_errors import of_server

FAILED = 255
"""The status with which Alembic refuses. The verbs of this package use the same."""


def run(arguments: Sequence[str]) -> int:
    """Run one command. Return 0 fine, 1 findings, 2 wrong use, or 255 refused."""
    status = FAILED
    try:
        try:
            _dispatch(command_line(), list(arguments))
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else FAILED
        # Written here, because a failure in the interpreter's own last flush is a traceback.
        sys.stdout.flush()
    except CommandError as error:
        _say(str(error))
    except KeyboardInterrupt:
        _say("interrupted.")
    except OSError as error:
        _say(of_output(error))
        status = FAILED
    return status & 0xFF


def command_line() -> CommandLine:
    """Return Alembic's command line with the verbs of this package added. Nothing is run."""
    line = CommandLine(prog="membership-refactor")
    line.parser.description = "Alembic's commands, and the verbs that split a live table."
    line.parser.formatter_class = argparse.RawDescriptionHelpFormatter
    line.parser.epilog = x_names()
    _show_versions(line.parser)
    for verb in verbs():
        line.register_command(_command(verb))
        configure(line.subparsers.choices[verb.NAME], verb)
    return line


def _show_versions(parser: argparse.ArgumentParser) -> None:
    """Let --version print this package's version beside Alembic's, which stands there alone."""
    shown = f"%(prog)s {membership_refactor.__version__} (Alembic {alembic.__version__})"
    for action in parser._actions:
        if "--version" in action.option_strings:
            vars(action)["version"] = shown


def verbs() -> Iterator[ModuleType]:
    """The modules of this package that are verbs, ordered by module name."""
    for found in sorted(pkgutil.iter_modules(cli.__path__), key=lambda m: m.name):
        if not found.name.startswith("_"):
            module = importlib.import_module(f"{cli.__name__}.{found.name}")
            if hasattr(module, "NAME"):
                yield module


def configure(parser: argparse.ArgumentParser, verb: ModuleType) -> None:
    """Give the parser everything that the verb's --help shows."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = textwrap.fill(getattr(verb, "DESCRIPTION", verb.HELP), 79)
    example = getattr(verb, "EXAMPLE", f"membership-refactor {verb.NAME}")
    parser.epilog = (
        f"example:\n  {example}\n\n"
        "-x NAME=VALUE goes before the verb. Names: see membership-refactor --help."
    )
    formats = getattr(verb, "FORMATS", ("text", "json"))
    parser.add_argument(
        "--format",
        choices=formats,
        default=formats[0],
        help=f"form of the output on standard output (default {formats[0]})",
    )
    verb.configure(parser)


def x_names() -> str:
    """The list of -x names that ``membership-refactor --help`` shows."""
    width = max(map(len, X_NAMES)) + 2
    lines = ["-x NAME=VALUE, before the verb:"]
    for name, text in X_NAMES.items():
        lines += textwrap.wrap(
            text,
            width=79,
            initial_indent=f"  {name:<{width}}",
            subsequent_indent=" " * (width + 2),
        )
    lines += ["", "example:", "  membership-refactor -x schema=tenant_a upgrade 0004"]
    return "\n".join(lines)


def packaged_configuration() -> Path | None:
    """The alembic.ini that is installed with the package, or else the checkout's."""
    package = Path(membership_refactor.__file__).parent
    for place in (package / "_alembic" / "alembic.ini", package.parents[1] / "alembic.ini"):
        if place.exists():
            return place
    return None


def _dispatch(line: CommandLine, arguments: list[str]) -> None:
    """Let Alembic run the command. Without a configuration of one's own it gets the packaged."""
    chosen = getattr(line.parser.parse_args(arguments), "cmd", (None,))[0]
    # `init` writes the configuration file that it is given, and `new` into the project.
    writes = chosen is command.init or getattr(chosen, "own_project", False)
    if not writes and not _is_configured(arguments):
        packaged = packaged_configuration()
        if packaged is not None:
            arguments = ["-c", str(packaged), *arguments]
    line.main(arguments)


def _command(verb: ModuleType) -> CommandFunction:
    """The verb as a function that Alembic can register: its name, its help and its body."""

    def registered(config: Config) -> None:
        raise SystemExit(_run(verb, config))

    registered.__name__ = verb.NAME
    registered.__doc__ = verb.HELP
    vars(registered)["own_project"] = getattr(verb, "OWN_PROJECT", False)
    return registered


def _run(verb: ModuleType, config: Config) -> int:
    options = config.cmd_opts
    assert options is not None
    silence_driver()
    try:
        of_plan = hasattr(options, "plan")
        # The project of a plan may have -x names of its own; its env.py says which.
        given = options.x or []
        request = guest_request(given) if of_plan else request_from(x_values(given))
        schema = next((x.removeprefix("schema=") for x in given if x.startswith("schema=")), None)
        context = Context(
            schema=request.schema,
            format=options.format,
            engine=lambda: find_engine(request, configured=configured_url(config)),
            request=request,
            config=config,
            plan_name=options.plan if of_plan else None,
            schema_asked=schema,
        )
        status: int = verb.run(options, context)
    except (WrongUse, PlanError) as error:
        _say(str(error))
        return WRONG_USE
    except RefactorError as error:
        _say(str(error))
    except DBAPIError as error:
        _say(of_server(error.orig or error))
    except psycopg.Error as error:
        _say(of_server(error))
    else:
        return status
    return FAILED


def _is_configured(arguments: Sequence[str]) -> bool:
    if "ALEMBIC_CONFIG" in os.environ or Path("alembic.ini").exists():
        return True
    if any(a in ("-c", "--config") or a.startswith("--config=") for a in arguments):
        return True
    try:
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return "alembic" in project.get("tool", {})


def _say(message: str) -> None:
    print(f"FAILED: {message}", file=sys.stderr)
