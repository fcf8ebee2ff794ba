"""The command line: Alembic's commands, this package's verbs, and one line for every failure."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import textwrap
import tomllib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import alembic
import psycopg
from alembic import command
from alembic.config import CommandFunction, CommandLine, Config
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

import membership_refactor
from membership_refactor.cli import all_schemas_options, help_page
from membership_refactor.cli.verb import WRONG_USE, Context
from membership_refactor.environment import (
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
            _dispatch(command_line(arguments), list(arguments))
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


class Line(CommandLine):
    """Alembic's command line, which can also run one command in many schemas."""

    def run_cmd(self, config: Config, options: argparse.Namespace) -> None:
        if getattr(options, "all_schemas", None) is None:
            super().run_cmd(config, options)
            return
        from membership_refactor.cli.all_schemas import run

        command, verb = options.cmd[0], _verb_of(options.cmd[0])
        raise SystemExit(_answered(lambda: run(context_of(config), command.__name__, verb)))


def command_line(
    words: Collection[str] | None = None, kind: type[CommandLine] = Line
) -> CommandLine:
    """Return Alembic's command line with the verbs of this package added. Nothing is run.

    With ``words``, those of a command line, only the verbs among them know their options.
    """
    line = kind(prog="membership-refactor")
    vars(line.parser)["format_help"] = help_page.page
    _show_versions(line.parser)
    for verb in help_page.declared():
        line.register_command(_command(verb))
        # The modules of the other verbs stay where they are: they import much.
        if words is None or verb.name in words:
            configure(line.subparsers.choices[verb.name], importlib.import_module(verb.module))
    for name in all_schemas_options.OF_ALEMBIC:
        all_schemas_options.add_options(line.subparsers.choices[name])
        all_schemas_options.add_format(line.subparsers.choices[name])
    return line


def _show_versions(parser: argparse.ArgumentParser) -> None:
    """Let --version print this package's version beside Alembic's, which stands there alone."""
    shown = f"%(prog)s {membership_refactor.__version__} (Alembic {alembic.__version__})"
    for action in parser._actions:
        if "--version" in action.option_strings:
            vars(action)["version"] = shown


def verbs() -> Iterator[ModuleType]:
    """The modules of this package that are verbs, ordered by module name."""
    yield from (importlib.import_module(verb.module) for verb in help_page.declared())


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
    if hasattr(verb, "one_line"):
        all_schemas_options.add_options(parser)


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
    own = chosen is not None and getattr(_verb_of(chosen), "OWN_PROJECT", False)
    writes = chosen is command.init or own
    if not writes and not _is_configured(arguments):
        packaged = packaged_configuration()
        if packaged is not None:
            arguments = ["-c", str(packaged), *arguments]
    # What the processes of --all-schemas are given.
    line.parser.set_defaults(arguments=arguments)
    line.main(arguments)


def _command(verb: help_page.Declared) -> CommandFunction:
    """The verb as a function that Alembic can register: its name, its help and its body."""

    def registered(config: Config) -> None:
        module = importlib.import_module(verb.module)

        def run() -> int:
            context = context_of(config)
            with context.hints():
                status: int = module.run(config.cmd_opts, context)
            return status

        raise SystemExit(_answered(run))

    registered.__name__ = verb.name
    registered.__doc__ = verb.help
    vars(registered)[_MODULE] = verb.module
    return registered


def _verb_of(function: CommandFunction) -> ModuleType | None:
    """The module of the verb that this function runs; None for a command of Alembic."""
    module = vars(function).get(_MODULE)
    return importlib.import_module(module) if module is not None else None


_MODULE = "module_of_verb"
"""The attribute of a registered function that names the verb's module."""


def context_of(config: Config) -> Context:
    """What the command line that made this configuration asks for. Raises WrongUse."""
    options = config.cmd_opts
    assert options is not None
    # The project of a plan may have -x names of its own; its env.py says which.
    of_project = hasattr(options, "plan") or hasattr(options, "all_schemas")
    given = options.x or []
    request = guest_request(given) if of_project else request_from(x_values(given))
    schema = next((x.removeprefix("schema=") for x in given if x.startswith("schema=")), None)
    return Context(
        schema=request.schema,
        format=options.format,
        engine=lambda: find_engine(request, configured=configured_url(config)),
        request=request,
        config=config,
        plan_name=getattr(options, "plan", None),
        schema_asked=schema,
    )


def context_for(arguments: Sequence[str]) -> Context:
    """What this command line asks for. Its command is not run. Raises WrongUse."""
    found: list[Config] = []

    class Reads(CommandLine):
        def run_cmd(self, config: Config, options: argparse.Namespace) -> None:
            found.append(config)

    command_line(arguments, Reads).main(arguments)
    return context_of(found[0])


def _answered(run: Callable[[], int]) -> int:
    """The status of what is run. An error of this package, or of the server, is one line."""
    silence_driver()
    try:
        return run()
    except (WrongUse, PlanError) as error:
        _say(str(error))
        return WRONG_USE
    except RefactorError as error:
        _say(str(error))
    except DBAPIError as error:
        _say(of_server(error.orig or error))
    except psycopg.Error as error:
        _say(of_server(error))
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
