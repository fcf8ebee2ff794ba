"""The command line: Alembic's parser, the tool's verbs beside Alembic's, one line for a failure."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import psycopg
from alembic.config import CommandLine, Config
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

import membership_refactor
from membership_refactor import cli
from membership_refactor.cli.verb import WRONG_USE, Context
from membership_refactor.environment import find_engine, of_server, request_from, silence_driver
from membership_refactor.errors import PlanError, RefactorError, WrongUse

FAILED = 255
"""What Alembic exits with when it refuses; so do the tool's verbs."""


class RefactorCommandLine(CommandLine):
    """Alembic's commands, and one more for each module of this package that has a NAME."""

    def _generate_args(self, prog: str | None) -> None:
        super()._generate_args(prog)
        # Alembic's merge joins two heads, of which this chain has one; `alembic merge` is still
        # there. Here the word means enrollments.
        self.subparsers._name_parser_map.pop("merge", None)
        self.subparsers._choices_actions[:] = [
            a for a in self.subparsers._choices_actions if a.dest != "merge"
        ]
        for verb in verbs():
            parser = self.subparsers.add_parser(verb.NAME, help=verb.HELP, description=verb.HELP)
            if not _has_option(parser, "--format"):
                formats = getattr(verb, "FORMATS", ("text", "json"))
                parser.add_argument("--format", choices=formats, default=formats[0])
            verb.configure(parser)
            parser.set_defaults(cmd=(_Run(verb), [], []))


class _Run:
    """Calls a verb the way Alembic calls its commands; its options lie in the configuration."""

    def __init__(self, verb: ModuleType) -> None:
        self.verb = verb
        self.__name__ = verb.NAME

    def __call__(self, config: Config) -> None:
        options = config.cmd_opts
        assert options is not None
        silence_driver()
        try:
            request = request_from(_x_values(options))
            context = Context(
                schema=request.schema,
                format=options.format,
                engine=lambda: find_engine(request, configured=_configured(config)),
                request=request,
                config=config,
            )
            status = self.verb.run(options, context)
        except (WrongUse, PlanError) as error:
            _fail(str(error), WRONG_USE)
        except RefactorError as error:
            _fail(str(error), FAILED)
        except KeyboardInterrupt:
            _fail("interrupted.", FAILED)
        except DBAPIError as error:
            _fail(of_server(error.orig or error), FAILED)
        except psycopg.Error as error:
            _fail(of_server(error), FAILED)
        except BrokenPipeError:
            # Somebody piped the output into head; that is no failure worth a traceback.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = FAILED
        raise SystemExit(status)


def verbs() -> Iterator[ModuleType]:
    """The modules of this package that are verbs, by name."""
    for found in sorted(pkgutil.iter_modules(cli.__path__), key=lambda m: m.name):
        if found.name in ("main", "verb") or found.name.startswith("_"):
            continue
        module = importlib.import_module(f"{cli.__name__}.{found.name}")
        if hasattr(module, "NAME"):
            yield module


def main(argv: Sequence[str] | None = None) -> None:
    """Runs a command; exits with 0 fine, 1 findings, 2 wrong use, 255 refused."""
    line = RefactorCommandLine(prog="membership-refactor")
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not _names_configuration(arguments) and not Path("alembic.ini").exists():
        packaged = packaged_configuration()
        if packaged is not None:
            arguments = ["-c", str(packaged), *arguments]
    try:
        line.main(arguments)
    except CommandError as error:
        _fail(str(error), FAILED)


def packaged_configuration() -> Path | None:
    """The alembic.ini that travels with the package, else the checkout's."""
    package = Path(membership_refactor.__file__).parent
    for place in (package / "_alembic" / "alembic.ini", package.parents[1] / "alembic.ini"):
        if place.exists():
            return place
    return None


def _names_configuration(arguments: Sequence[str]) -> bool:
    return "ALEMBIC_CONFIG" in os.environ or any(
        a in ("-c", "--config") or a.startswith("--config=") for a in arguments
    )


def _x_values(options: argparse.Namespace) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in options.x or []:
        name, found, value = text.partition("=")
        if not found:
            raise WrongUse(f"-x {text}: write -x NAME=VALUE.")
        given[name] = value
    return given


def _configured(config: Config) -> str | None:
    try:
        return config.get_main_option("sqlalchemy.url")
    except CommandError:
        return None


def _has_option(parser: argparse.ArgumentParser, name: str) -> bool:
    return name in parser._option_string_actions


def _fail(message: str, status: int) -> None:
    print(f"FAILED: {message}", file=sys.stderr)
    raise SystemExit(status)
