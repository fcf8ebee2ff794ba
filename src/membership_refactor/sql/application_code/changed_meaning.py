"""What cannot stay as it is for triggers of the application: named before the first step."""

from __future__ import annotations

from collections.abc import Iterator

from membership_refactor.planning import Revisions, TableSplit
from membership_refactor.portrait import Table, Trigger
from membership_refactor.portrait.tokens import tokens, unquoted
from membership_refactor.sql.application_code.whole_rows import whole_rows
from membership_refactor.sql.quoting import ident, qualified

_ROLE = ("current_user", "current_role")
_TABLE = ("tg_table_name", "tg_relname", "tg_relid")


def changed_meaning(plan: TableSplit, table: Table, revisions: Revisions) -> tuple[str, ...]:
    """A sentence for each trigger whose text mentions something that means another thing later,
    and for each role that may add triggers. A text tells what is mentioned, not what is done."""
    return (
        *(text for t in _enabled(table) for text in _of_trigger(plan, table, t, revisions)),
        *_perhaps_by_position(plan, table, revisions),
        *_of_others(plan, table, revisions),
        *_row_types(plan, table, revisions),
    )


def _enabled(table: Table) -> Iterator[Trigger]:
    return (t for t in table.triggers if t.enabled != "D")


def _of_trigger(
    plan: TableSplit, table: Table, trigger: Trigger, revisions: Revisions
) -> Iterator[str]:
    body = next((r.body for r in table.routines if r.name == trigger.function), "")
    for place, text in (
        ("its WHEN", trigger.definition),
        (f"the text of {trigger.function}", body),
    ):
        found = {t.text.lower() for t in tokens(text) if t.kind == "word"}
        about = f'trigger "{trigger.name}": {place} mentions'
        through = f"through the other table (from {revisions.mention(_both_at(plan))} on)"
        for word in _ROLE:
            if word in found:
                yield (
                    f'{about} {word}. For a write that comes {through} that is "{table.owner}". '
                    "session_user stays the login"
                )
        if "pg_trigger_depth" in found:
            yield (
                f"{about} pg_trigger_depth(). For a write that comes {through} it is one higher, "
                "so pg_trigger_depth() = 0 in a WHEN is never true then; < 2 would be"
            )
        for word in _TABLE:
            if word in found and plan.child != table.name:
                yield (
                    f"{about} {word.upper()}. From {revisions.mention('retire_source')} on that "
                    f'is "{plan.child}"'
                )
    yield from _own_name(plan, table, trigger, body, revisions)


def _own_name(
    plan: TableSplit, table: Table, trigger: Trigger, body: str, revisions: Revisions
) -> Iterator[str]:
    if plan.child == table.name or table.name not in _named(body):
        return
    yield (
        f'trigger "{trigger.name}": the text of {trigger.function} mentions {ident(table.name)}, '
        f"its own table. From {revisions.mention('retire_source')} on no table has that name"
        + (
            f", and from {revisions.mention('create_parent')} on the parent has it"
            if plan.parent == table.name
            else ""
        )
        + f". It has to name {ident(plan.child)} then"
    )


def _named(sql: str) -> Iterator[str]:
    """The names in it, and those in its strings, which may be SQL."""
    for token in tokens(sql):
        if token.kind in ("string", "dollar"):
            yield from _named(unquoted(token.text))
        elif token.kind == "quoted" and token.name is not None:
            yield token.name
        elif token.kind == "word":
            yield token.text.lower()


def _perhaps_by_position(plan: TableSplit, table: Table, revisions: Revisions) -> Iterator[str]:
    for use in whole_rows(table) if plan.parent else ():
        if not use.certain:
            yield (
                f'trigger "{use.trigger}": {use.function} uses the whole row ({use.text}). The row '
                f'gets the column "{plan.link}" with {revisions.mention(plan.link_comes_at)} and '
                f"loses {len(plan.leaving)} with {revisions.mention('drop_deprecated_columns')}"
            )


def _both_at(plan: TableSplit) -> str:
    """The step from which on two tables are written, and a write of one reaches the other."""
    return "link_children" if plan.copy is None else "dual_write"


def _of_others(plan: TableSplit, table: Table, revisions: Revisions) -> Iterator[str]:
    given = {g.grantee or "PUBLIC" for g in table.grants or () if g.privilege == "TRIGGER"}
    for role in sorted(given - {table.owner}):
        name = role if role == "PUBLIC" else ident(role)
        yield (
            f'role "{role}" may add triggers. From {revisions.mention(_both_at(plan))} on their '
            f'functions may run as "{table.owner}". '
            f"Run REVOKE TRIGGER ON {qualified(table.schema, table.name)} FROM {name}"
        )


def _row_types(plan: TableSplit, table: Table, revisions: Revisions) -> Iterator[str]:
    gone = "drop_deprecated_columns" if plan.copy is None else "retire_source"
    for dependent in table.dependents:
        parts = [t.text.lower() for t in tokens(dependent.definition or "") if t.kind != "space"]
        if dependent.by_text and any(
            parts[n : n + 3] == [table.name.lower(), "%", "rowtype"] for n in range(len(parts))
        ):
            yield (
                f"{dependent.kind} {dependent.name} declares {table.name}%ROWTYPE. From "
                f"{revisions.mention(gone)} on no table with these columns has that name"
            )
