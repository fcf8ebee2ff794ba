"""Follow a column that was added alike to source and copy: capture carries it from here on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from membership_refactor.errors import RefactorError
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run
from membership_refactor.inspect.under_locks import under_locks
from membership_refactor.portrait import Column, Portrait
from membership_refactor.sql.capture.followed_columns import FollowedColumns, followed
from membership_refactor.sql.ledger.own_objects import record_own_objects
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.captures import following_functions
from membership_refactor.steps.changed_tables import added_alike


def follow_columns(runner: Runner, pg: Pg) -> tuple[str, ...]:
    """Make capture's functions anew with such columns, and bring over what was written before.

    Locks: source and copy SHARE ROW EXCLUSIVE, waited for 50 ms at a time. It may be interrupted
    and run again; only at the end does the ledger know the columns.

    Raises RefactorError where both sides hold different values that are not the default.
    """
    at = runner.ledger.stands_at(pg)
    s = replace(runner.situation(pg), now=runner.read())
    added = added_alike(s, at) if at else ()
    if not added:
        return ()
    assert at is not None
    portraits = {
        step: _with_columns(s.portraits[step], runner.own_tables, added)
        for step in ("copy_table", "dual_write")
        if step in s.portraits
    }
    known = replace(s, portraits={**s.portraits, **portraits})
    values = followed(runner.names, added, s.names.id.type_in(s.source().columns))
    _refuse_conflicts(pg, values)
    functions = following_functions(known, both=at.name == "dual_write")
    _under_lock(
        runner, pg, (raise_fence(runner.names), *functions, *record_own_objects(runner.names))
    )
    _bring(runner, pg, values)
    _refuse_conflicts(pg, values)
    with pg.transaction():
        for step, portrait in portraits.items():
            runner.ledger.replace_portrait(pg, step, portrait)
    return tuple(f'column "{c.name}" is carried between the tables' for c in added)


def _with_columns(portrait: Portrait, tables: Iterable[str], added: tuple[Column, ...]) -> Portrait:
    return replace(
        portrait,
        tables=tuple(
            replace(t, columns=(*t.columns, *(c for c in added if c.name not in t.column_names)))
            if t.name in tables
            else t
            for t in portrait.tables
        ),
    )


def _under_lock(runner: Runner, pg: Pg, statements: Iterable[Statement]) -> None:
    names, mode = runner.names, Lock.SHARE_ROW_EXCLUSIVE
    under_locks(runner, pg, ((names.source, mode), (names.child, mode)), statements)


def _bring(runner: Runner, pg: Pg, values: FollowedColumns) -> None:
    if not values.columns:
        return
    after = "NULL"
    for statement in values.functions():
        run(pg, statement.text)
    while ids := [key for (key,) in run(pg, values.next_ids(after)).fetchall()]:
        array = f"ARRAY[{', '.join(map(literal, ids))}]::{values.id_type}[]"
        _under_lock(runner, pg, (Statement(values.bring(array)),))
        after = literal(ids[-1])
    for statement in values.drop_functions():
        run(pg, statement.text)


def _refuse_conflicts(pg: Pg, values: FollowedColumns) -> None:
    if not values.columns:
        return
    found = run(pg, values.conflicts()).fetchall()
    if found:
        said = "; ".join(f'"{name}" in {n:,} rows, first {", ".join(k)}' for name, n, k in found)
        names = values.names
        raise RefactorError(
            f"The columns cannot be followed: {names.source} and {names.child} hold "
            f"different values, and neither is the default: {said}.",
            hint="Set one value in both tables for those ids, then run the same command again.",
        )
