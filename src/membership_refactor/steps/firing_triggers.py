"""What ``plan`` says of the application's triggers that fire otherwise than on one table."""

from __future__ import annotations

from collections.abc import Container, Iterator

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Table, Trigger
from membership_refactor.portrait.tokens import tokens


def updated_columns(trigger: Trigger) -> tuple[str, ...] | None:
    """The columns of ``UPDATE OF``; empty for UPDATE of any column, None for other events."""
    words = [t for t in tokens(trigger.definition) if t.kind in ("word", "quoted")]
    # CREATE [CONSTRAINT] TRIGGER name, then the events, then ON. Names that are keywords, and
    # those with capitals, are quoted.
    after_name = next(n for n, t in enumerate(words) if t.text == "TRIGGER") + 2
    until = next(n for n in range(after_name, len(words)) if words[n].text == "ON")
    events = words[after_name:until]
    place = next((n for n, t in enumerate(events) if t.text == "UPDATE"), None)
    if place is None:
        return None
    rest = events[place + 1 :]
    if not rest or rest[0].text != "OF":
        return ()
    names = []
    for token in rest[1:]:
        if token.text == "OR" or token.name is None:
            break
        names.append(token.name)
    return tuple(names)


def _on_update(table: Table) -> Iterator[tuple[Trigger, tuple[str, ...]]]:
    for trigger in table.triggers:
        columns = updated_columns(trigger)
        if columns is not None and trigger.enabled in ("O", "A"):
            yield trigger, columns


def _said(trigger: Trigger) -> str:
    each = "row" if trigger.row else "statement"
    return f'trigger "{trigger.name}" ({trigger.timing} UPDATE for each {each}, {trigger.function})'


def silent_triggers(source: Table, copy: str) -> tuple[str, ...]:
    """While both tables may be written: triggers of the source that miss an UPDATE of the copy."""
    return tuple(
        f'{_said(t)} of "{source.name}" watches {", ".join(columns)}. It does not fire for an '
        f'UPDATE of "{copy}" that gives them the values that they have, such as SET x = x. Write '
        f'such a row in "{source.name}"'
        for t, columns in _on_update(source)
        if columns
    )


def fired_by_carrying(plan: TableSplit, child: Table) -> tuple[str, ...]:
    """From parallel saving on: triggers of the child that also fire when the tool writes a row."""
    changed = [name for name in (plan.changed, plan.version) if name]
    return tuple(
        f"{_watching(trigger, watched, child)}. From this step on it also "
        "fires for each other row of the same parent to which a saved value is carried, and "
        "for a row whose link or values are set to its parent's"
        for trigger, watched in _fired(child, {*plan.deprecated, plan.link, *changed})
    )


def fired_by_cascade(plan: TableSplit, child: Table) -> tuple[str, ...]:
    """From the foreign key over kept columns on: triggers of the child that also fire when a
    parent's kept column changes. The cascade sets the link too, to the value that it has."""
    return tuple(
        f"{_watching(trigger, watched, child)}. From this step on it also fires for each row of a "
        f"parent whose {' or '.join(plan.keep)} is changed, in the same transaction"
        # PostgreSQL does not look whether a cascade did what it was to do.
        + (
            ". It has to let that change pass: one that it drops or undoes leaves the row unlike "
            "its parent, without an error"
            if trigger.row and trigger.timing == "BEFORE"
            else ""
        )
        for trigger, watched in _fired(child, {*plan.keep, plan.link})
    )


def _fired(child: Table, written: Container[str]) -> Iterator[tuple[Trigger, list[str]]]:
    """The child's triggers that fire for an UPDATE of one of those columns, and the ones of these
    that they watch; none for a trigger that watches every column."""
    for trigger, columns in _on_update(child):
        watched = [c for c in columns if c in written]
        if watched or not columns:
            yield trigger, watched


def _watching(trigger: Trigger, watched: list[str], child: Table) -> str:
    return f'{_said(trigger)} of "{child.name}" watches {", ".join(watched) or "every column"}'
