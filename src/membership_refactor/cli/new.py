"""``new``: look at a wide table, propose a plan, and write it and its revisions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from membership_refactor.cli.new_options import add_options, wishes_of
from membership_refactor.cli.new_questions import ask_names, ask_to_write, choose_candidate
from membership_refactor.cli.verb import FINE, Context, as_json
from membership_refactor.errors import RefactorError, WrongUse
from membership_refactor.project.new_files import NewFiles, new_files
from membership_refactor.project.registering import registration_file
from membership_refactor.propose import findings_text
from membership_refactor.propose.candidates import Candidate, Discovery
from membership_refactor.propose.clock import Clock
from membership_refactor.propose.count import count_key, examined
from membership_refactor.propose.discover import discover
from membership_refactor.propose.draft import Draft, Wishes, draft, draft_rename, require_columns
from membership_refactor.propose.measure import Measure, reading
from membership_refactor.propose.plan_refusals import what_is_ahead
from membership_refactor.propose.target_table import Target, find_target
from membership_refactor.sql.quoting import qualified

NAME = "new"
HELP = "look at a wide table, propose a plan, and write it with its revisions"
DESCRIPTION = (
    "Look at a table of your project, say which columns depend on which, and propose a plan that "
    "splits it. On a terminal you choose; then the plan is written as a Python module, with the "
    "revisions behind the head of your project. The database is only read. Without a terminal, "
    "files are written only with --yes. Exit status: 0, 2 for wrong use, 255 where the table or "
    "the plan is refused."
)
EXAMPLE = "membership-refactor new order_line --yes"
OWN_PROJECT = True
"""The project that is installed with this package is not written into."""


def configure(parser: argparse.ArgumentParser) -> None:
    add_options(parser)


def run(options: argparse.Namespace, context: Context) -> int:
    """Search, propose, ask, write. Raises WrongUse and RefactorError."""
    wishes = wishes_of(options)
    registration_file(context.config)
    schema, name = _table(options.table, context)
    engine = context.database_with(schema).engine
    target = find_target(engine, schema, name)
    asks = context.format == "text" and not options.yes and sys.stdin.isatty()
    if wishes.rename:
        found, drafted = None, draft_rename(target.table, wishes, target.taken)
    else:
        require_columns(target.table, wishes)
        found = _looked(engine, target, wishes, options.seconds)
        if context.format == "text":
            print(findings_text.as_text(found), flush=True)
        drafted = _drafted(target, found, wishes, asks=asks)
    files = new_files(
        context.config,
        drafted.plan,
        schema=schema,
        remarks=findings_text.remarks(drafted),
        module=options.plan_module,
        head=options.head,
    )
    ahead = what_is_ahead(
        engine,
        drafted.plan,
        schema,
        files.revisions.ids,
        context.request.options,
        agree=drafted.known_to_agree,
    )
    if context.format == "text":
        lines = [*findings_text.draft_lines(drafted), *findings_text.asked_lines(ahead.asked)]
        print("\n" + "\n".join(lines), flush=True)
    if ahead.refused:
        listed = "".join(f"\n  - {reason}" for reason in ahead.refused)
        raise RefactorError(
            f"this plan would be refused, and nothing was written:{listed}",
            hint="\nFix the table, or choose another key or other columns.",
        )
    writes = options.yes or (asks and ask_to_write(files))
    written = files.write() if writes else []
    _show(context, found, drafted, files, written)
    return FINE


def _table(given: str, context: Context) -> tuple[str, str]:
    """Schema and table. A name may hold a dot, so the schema is split off at the first one."""
    schema, dot, name = given.partition(".")
    if not dot:
        return context.schema, given
    if context.schema_asked not in (None, schema):
        raise WrongUse(
            f"{given} names another schema than -x schema={context.schema_asked}.",
            hint="Leave one of them out.",
        )
    return schema, name


def _looked(engine: Engine, target: Target, wishes: Wishes, seconds: float) -> Discovery:
    """The candidates of a search; or the one key that was asked for, counted without a limit."""
    with reading(engine, target.table) as pg:
        clock = Clock(None if wishes.key else seconds)
        measure = Measure(pg, target.table, clock)
        if not wishes.key:
            return discover(measure)
        profiles = measure.profiles(wishes.key)
        candidate = examined(measure, count_key(measure, profiles, wishes.key))
        return Discovery(
            table=qualified(target.table.schema, target.table.name),
            rows=profiles.rows,
            candidates=(candidate,),
            constant=profiles.constant,
            seconds=clock.gone,
        )


def _drafted(target: Target, found: Discovery, wishes: Wishes, *, asks: bool) -> Draft:
    if not found.candidates:
        raise _without_candidate(found)
    chosen = found.candidates[0]
    if asks and len(found.candidates) > 1:
        chosen = choose_candidate(found.candidates)
    _require_groups(chosen, found.rows)
    made = draft(target.table, chosen, wishes, target.taken)
    if asks:
        wishes = ask_names(made.plan, wishes)
        made = draft(target.table, chosen, wishes, target.taken)
    return made


def _without_candidate(found: Discovery) -> RefactorError:
    if found.uncounted:
        return RefactorError(
            f"the key seems to be ({', '.join(found.uncounted)}), and there was no time to count "
            "it.",
            hint=f"Count it without a limit: --key {','.join(found.uncounted)}",
        )
    if found.out_of_time:
        return RefactorError(
            f"{found.table} was not read in {found.seconds:.0f} s.",
            hint="Give more time with --seconds N, or name the key with --key A,B.",
        )
    few = f"{found.table} has {found.rows} rows, and nothing can be learned from them."
    none = f"no key was found within which columns of {found.table} agree."
    return RefactorError(
        few if found.rows < 2 else none,
        hint="Name the key and what depends on it: --key A,B --parent-columns C,D",
    )


def _require_groups(chosen: Candidate, rows: int) -> None:
    """A key that splits nothing off is refused, unless there are no rows to judge by."""
    if rows < 2 or 1 < chosen.parents < rows:
        return
    listed = ", ".join(chosen.key)
    what = (
        f"all {rows} rows have the same key ({listed})"
        if chosen.parents == 1
        else f"the key ({listed}) is different in each of the {rows} rows"
    )
    raise RefactorError(
        f"{what}, so there is nothing to split.", hint="Choose other columns: --key A,B"
    )


def _show(
    context: Context,
    found: Discovery | None,
    drafted: Draft,
    files: NewFiles,
    written: Sequence[Path],
) -> None:
    if context.format == "json":
        empty = Discovery(table=drafted.plan.source, rows=0, candidates=())
        values = findings_text.as_values(found or empty, drafted)
        values["target"] = files.target
        values["revisions"] = dict(files.revisions.ids)
        values["written"] = [str(path) for path in written]
        print(as_json(values))
        return
    if not written:
        print("\nNothing was written. Add --yes to write the plan and its revisions.")
        return
    print("\nwritten:")
    for path in written:
        print(f"  {_near(path)}")
    ids, steps = files.revisions.ids, drafted.plan.steps
    stop = "dual_write" if "dual_write" in steps else "link_children"
    print(
        "\nnext:\n"
        f"  membership-refactor plan --plan {drafted.plan.name}      see what each step does\n"
        f"  membership-refactor upgrade {ids[stop]}      up to {stop}: old and new code may write"
    )


def _near(path: Path) -> str:
    here = Path.cwd()
    return str(path.resolve().relative_to(here) if path.resolve().is_relative_to(here) else path)
