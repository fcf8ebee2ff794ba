"""``--all-schemas``: run one command in every schema that a pattern means."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import time
from collections.abc import Sequence
from types import ModuleType

from membership_refactor.cli.all_schemas_options import add_format, add_options
from membership_refactor.cli.verb import FINDINGS, FINE, Context, as_json
from membership_refactor.errors import WrongUse
from membership_refactor.execution.sessions import Sessions
from membership_refactor.tenants.choose_schemas import Chosen, choose, read_schemas, tables_of
from membership_refactor.tenants.crew import Command, work_through
from membership_refactor.tenants.outcome import Ended, Outcome, Summary

INTERRUPTED = 255


def run(context: Context, name: str, verb: ModuleType | None) -> int:
    """Run the command in each schema. Return 0 where all is well, 1 where a schema failed or has
    findings, and 255 where it was interrupted.

    Raises WrongUse for options that go with one schema only, and where no schema matches.
    """
    options = context.config.cmd_opts
    assert options is not None
    _require_usable(options, verb, name)
    begun, chosen = time.monotonic(), _chosen(context, options, of_alembic=verb is None)
    shown = _Shown(context, chosen)
    for schema in chosen.without_tables:
        said = "it has no table of the plan and no ledger. Leave it out: --except, or DROP SCHEMA."
        shown.add(Outcome(schema=schema, ended=Ended.FAILED, said=said))
    interrupted = work_through(
        chosen.tenants,
        module="membership_refactor.cli.tenant_worker",
        command=Command(
            arguments=tuple(for_one_schema(options.arguments, verb)),
            verb=verb.__name__ if verb is not None else None,
        ),
        parallel=options.parallel,
        ended=shown.add,
    )
    summary = Summary(
        verb=name,
        pattern=options.all_schemas,
        parallel=options.parallel,
        seconds=time.monotonic() - begun,
        outcomes=tuple(shown.outcomes),
        interrupted=interrupted,
        again=_again(options.arguments, name),
    )
    shown.end(summary)
    if interrupted:
        return INTERRUPTED
    return FINE if summary.fine else FINDINGS


def for_one_schema(arguments: Sequence[str], verb: ModuleType | None) -> list[str]:
    """The command line for one schema: without the options for several. A verb prints JSON."""
    kept = _without_own_options(arguments)
    return kept if verb is None else [*kept, "--format", "json"]


def _without_own_options(arguments: Sequence[str]) -> list[str]:
    parser = argparse.ArgumentParser(add_help=False)
    add_options(parser)
    add_format(parser)
    return parser.parse_known_args(list(arguments))[1]


_SECRET = re.compile(r"[\w+]+://.*|.*\bpassword\s*=.*", re.S | re.I)
"""A URL, or words of libpq. Either may hold a password."""


def _again(arguments: Sequence[str], name: str) -> str:
    """The command for one schema, whose name is to be filled in. What stands before the verb is
    left out, because a URL may be among it, and so is each word behind the verb that is one."""
    kept = _without_own_options(arguments)
    shown = (_SECRET.sub("URL", word) for word in kept[kept.index(name) :])
    words = shlex.join(shown).replace("{", "{{").replace("}", "}}")
    return f"membership-refactor -x schema={{}} {words}"


def _require_usable(options: argparse.Namespace, verb: ModuleType | None, name: str) -> None:
    if any(text.startswith("schema=") for text in options.x or ()):
        raise WrongUse("-x schema= and --all-schemas exclude each other.", hint="Leave one out.")
    if options.parallel < 1:
        raise WrongUse(f"--parallel {options.parallel} is below 1.", hint="Take 1 or more.")
    if options.format not in (getattr(verb, "FORMATS", ("text",))[0], "json"):
        raise WrongUse(
            f"--format {options.format} is for one schema.", hint="Take text or json here."
        )
    for option in getattr(verb, "ONE_SCHEMA_ONLY", ()) if verb is not None else ("sql",):
        if getattr(options, option, None) not in (None, False):
            flag = option.replace("_", "-")
            raise WrongUse(f"{name} --{flag} is for one schema.", hint="Choose it: -x schema=NAME")
    if verb is not None and hasattr(verb, "for_all_schemas"):
        verb.for_all_schemas(options)
    revision = getattr(options, "revision", "")
    if re.search(r"(^|@)[+-]", revision):
        raise WrongUse(
            f"{revision} means another revision in each schema, and in each run.",
            hint="Name the revision, so that the command can be run again.",
        )


def _chosen(context: Context, options: argparse.Namespace, *, of_alembic: bool) -> Chosen:
    known = context.project.plans if of_alembic else (context.project.chosen(context.plan_name),)
    tables = tables_of(registered.plan for registered in known)
    database = context.database_with(context.schema)
    if of_alembic and not database.follows_schema:
        raise WrongUse(
            "the env.py of this project does not run in the schema of -x schema=. Each revision "
            "runs in every schema that is registered for its plan.",
            hint="Register the schemas, and leave out --all-schemas.",
        )
    with Sessions(database.engine, role=None, label="tenants").open(as_owner=False) as pg:
        return choose(read_schemas(pg, options.all_schemas, options.excepted, tables), tables)


class _Shown:
    """Keeps the outcomes, and prints a line for each as it comes: on standard output, or on
    standard error where that is for JSON."""

    def __init__(self, context: Context, chosen: Chosen) -> None:
        self.outcomes: list[Outcome] = []
        self._json = context.format == "json"
        self._width = max(map(len, (*chosen.tenants, *chosen.without_tables)))
        self._broken: OSError | None = None

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if outcome.ended is not Ended.NOT_BEGUN:
            self._print(outcome.line(self._width))

    def end(self, summary: Summary) -> None:
        """Print the summary. Raises OSError where standard output could not be written."""
        self._print(summary.text())
        if self._broken is not None:
            raise self._broken
        if self._json:
            print(as_json(summary.values()))

    def _print(self, text: str) -> None:
        # A reader who has gone away is no reason to leave tenants half-way.
        try:
            print(text, file=sys.stderr if self._json else sys.stdout, flush=True)
        except OSError as error:
            self._broken = error
