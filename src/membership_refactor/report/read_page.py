"""Reads everything that the page shows. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import psycopg

from membership_refactor.consumers import Consumer
from membership_refactor.errors import RefactorError
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.inspect.keys import compare_keys
from membership_refactor.inspect.keys_text import KeyChoice
from membership_refactor.inspect.live import pressure, read_moment
from membership_refactor.inspect.read_only import looking, reads_as_the_tool
from membership_refactor.inspect.status_text import Standing
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait, Table
from membership_refactor.report.canvas import Kind
from membership_refactor.report.consumer_states import consumer_states
from membership_refactor.report.page_values import Report, TableNow
from membership_refactor.report.read_recorded import NOTHING, read_recorded
from membership_refactor.report.table_shapes import Structure, TableShape, structure
from membership_refactor.sql.quoting import qualified
from membership_refactor.steps.revision_text import RevisionText
from membership_refactor.watch.usage import read_usage

EXACT_BYTES = 256 * 1024 * 1024
"""Rows of a table up to this size are counted; of a larger one the server's estimate is shown."""
NOT_COUNTED = (
    "not counted, because your role may not act as the owner of the tables, so that it would be a "
    "use of the old structure."
)
KEY_ROWS = 2_000_000
"""Conflicts and near keys of a table with up to so many rows are counted without being asked."""


def read_page(
    runner: Runner,
    texts: Mapping[str, RevisionText],
    consumers: Sequence[Consumer] = (),
    places: Mapping[str, str] | None = None,
    *,
    count_keys: bool = False,
) -> Report:
    """Return what is known, also of a chain that never began.

    ``texts`` are what the revision files say of themselves, by id. ``places`` says where consumers
    have their statements. ``count_keys``: count conflicts and near keys of a large table too.
    """
    moment = read_moment(runner)
    standing = moment.standing
    usage = read_usage(runner, consumers, places)
    portrait = runner.read()
    shapes = structure(runner.plan, _highest(standing))
    with looking(runner, "report") as pg:
        there = standing.ledger is not None
        recorded = read_recorded(runner, pg) if there else NOTHING
        states = consumer_states(runner, pg, usage, recorded, consumers)
        counts = reads_as_the_tool(pg, runner)
        tables = tuple(
            _tables(pg, runner.plan, portrait, shapes, most=EXACT_BYTES if counts else -1)
        )
        database, version = run(
            pg, "SELECT pg_catalog.current_database(), pg_catalog.current_setting('server_version')"
        ).fetchall()[0]
    if counts:
        key, why_no_key = _key(runner, tables, asked=count_keys)
    else:
        key, why_no_key = None, NOT_COUNTED
    return Report(
        database=database,
        server_version=version.split()[0],
        standing=standing,
        usage=usage,
        titles={revision: text.title for revision, text in texts.items()},
        next_command=_next_command(runner, standing),
        structure=shapes,
        tables=tables,
        consumers=states,
        remarks=tuple(text for _, text in pressure(moment)),
        recorded=recorded,
        key=key,
        why_no_key=why_no_key,
    )


def _highest(standing: Standing) -> str | None:
    """The highest step that is up, one that has not finished its way down included."""
    up = [step.name for step in standing.steps if step.state in ("up", "open down")]
    return up[-1] if up else None


def _next_command(runner: Runner, standing: Standing) -> str | None:
    if standing.open_step is not None:
        return standing.open_step.go_on
    to_come = (step.name for step in standing.steps if step.state != "up")
    name = next(to_come, None)
    return None if name is None else runner.chain.revisions.command(name, "up")


def _tables(
    pg: Pg, plan: TableSplit, portrait: Portrait, shapes: Structure, *, most: int
) -> Iterator[TableNow]:
    """The tables that are there: those of the structure, then what an open step is making. Rows of
    a table of up to ``most`` bytes are counted."""
    named = {shape.name for shape in shapes.tables}
    new = [t for t in portrait.tables if t.name in plan.tables and t.name not in named]
    for shape in (*shapes.tables, *(_unfinished(plan, table) for table in new)):
        table = portrait.find(shape.name)
        if table is None:
            continue
        size = table.bytes or 0
        rows, exact = table.rows, size <= most
        if exact:
            where = qualified(table.schema, table.name)
            try:
                rows = int(value(pg, f"SELECT pg_catalog.count(*) FROM {where}"))
            except psycopg.errors.UndefinedTable:
                # A step has dropped or renamed it since.
                continue
        groups = {str(kind): count for kind, count in _groups(plan, table, shape)}
        yield TableNow(shape=shape, groups=groups, rows=rows, exact=exact, bytes=size)


def _unfinished(plan: TableSplit, table: Table) -> TableShape:
    child: tuple[Kind, ...] = ("parent", "child") if plan.parent else ("child",)
    groups: tuple[Kind, ...] = ("link", "parent") if table.name == plan.parent else child
    return TableShape(name=table.name, groups=groups, note="not finished", closed=True)


def _groups(plan: TableSplit, table: Table, shape: TableShape) -> Iterator[tuple[Kind, int]]:
    """The number of columns in each group."""
    all_of_it = len(table.column_names)
    if "child" not in shape.groups:
        yield from (("link", 1), ("parent", all_of_it - 1))
        return
    leaving = len({*plan.deprecated} & {*table.column_names})
    for group in shape.groups:
        if group == "link":
            yield "link", 1
        elif group == "child":
            moved = leaving if {*shape.groups} - {"child", "link"} else 0
            yield "child", all_of_it - moved - ("link" in shape.groups)
        else:
            yield group, leaving


def _key(
    runner: Runner, tables: Sequence[TableNow], *, asked: bool
) -> tuple[KeyChoice | None, str]:
    """The plan's key as it divides the rows, or why that was not counted."""
    rows = max((table.rows or 0 for table in tables), default=0)
    if rows > KEY_ROWS and not asked:
        return None, (
            f"not counted, because it would read all of about {rows:,} rows. Ask for it with "
            "--count-keys."
        )
    try:
        choices, _, _ = compare_keys(runner, others=False)
    except RefactorError as error:
        return None, error.message
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        return None, "not counted, because a step was changing the tables."
    # What stays with the child may differ within a group.
    own = tuple(d for d in choices[0].disagreeing if d[0] in runner.plan.parent_values)
    # The examples are values of rows, which the page does not show.
    near = tuple(replace(n, examples=()) for n in choices[0].near)
    return replace(choices[0], disagreeing=own, near=near), ""
