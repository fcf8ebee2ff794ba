"""What was done to the plan's tables between two steps, and which of it the next one cannot take.

New indexes, comments, grants and the like go along: each step reads the tables as they are. A
column that nobody follows, or that is gone, is not: its values would be lost without a word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from membership_refactor.planning import Stage
from membership_refactor.portrait import Column, Portrait
from membership_refactor.portrait.portrait_differences import Change, Difference, compared
from membership_refactor.portrait.tokens import tokens
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.steps.step import Situation, Step

_OF_COLUMN = {"column", "type", "generation", "collation"}
_FOLLOWED = ("copy_table", "dual_write")
"""While source and copy follow each other, every column has to be known."""
_OF_TABLE = {"table", "kind", "inheritance", "row type", "persistence", "owner"}


def changed_since(s: Situation, last: Step, going: Collection[str]) -> tuple[str, ...]:
    """A sentence a change since ``last``, the highest step that is up. ``going`` names the steps
    that a downgrade takes down, and is empty on the way up."""
    if last.stage is Stage.LEGACY or s.now is None:
        return ()
    plan = s.plan
    own = set(plan.tables)
    expected = last.becomes(s)
    now = Portrait(
        schema=s.now.schema,
        tables=tuple(t for t in s.now.tables if expected.find(t.name) is not None),
    )
    alike = {column.name for column in added_alike(s, last)}
    found = [
        difference.text
        + (
            f"; both tables have it alike: {s.revisions.verb('repair')} --apply follows it"
            if difference.aspect == "column" and difference.item in alike
            else ""
        )
        for difference in compared(expected, now)
        if difference.table in own and _stops(difference, s, last, going)
    ]
    # The archive is asked for its id only where it becomes the source again.
    needed = own if "retire_source" in going else set(plan.written_tables)
    return (
        *found,
        *_with_children(s, own),
        *_renamed(expected, now),
        *_without_id(s, expected, needed),
    )


def _renamed(expected: Portrait, now: Portrait) -> Iterator[str]:
    """Foreign keys follow a table or column that gets another name. The steps make and lock them
    by the names that they have known from the first one on."""
    for table in expected.tables:
        there = now.find(table.name)
        keys = {} if there is None else {c.name: c.definition for c in there.constraints}
        for key in table.constraints:
            found = keys.get(key.name)
            if key.kind == "f" and found and _referred(found) != _referred(key.definition):
                yield (
                    f'table "{table.name}": the foreign key "{key.name}" refers to '
                    f"{_referred(found)} now, and to {_referred(key.definition)} when it was "
                    "recorded. Give it its old name back with ALTER TABLE"
                )


def _without_id(s: Situation, expected: Portrait, needed: Collection[str]) -> Iterator[str]:
    """The needed tables whose id is no longer unique, also where both sides have lost it alike."""
    assert s.now is not None
    ids = s.plan.ids
    for table in s.now.tables:
        before = expected.find(table.name)
        if table.name not in needed or before is None or before.identity_index(ids) is None:
            continue
        if table.identity_index(ids) is None:
            listed = ", ".join(map(ident, ids))
            yield (
                f'table "{table.name}": {", ".join(ids)} is not unique any more, and every row is '
                f"found by it. Run ALTER TABLE {qualified(table.schema, table.name)} "
                f"ADD PRIMARY KEY ({listed})"
            )


def _referred(definition: str) -> str:
    """The table and columns in the definition of a foreign key, however they are quoted."""
    texts = [t.name or t.text for t in tokens(definition) if t.kind != "space"]
    start = texts.index("REFERENCES") + 1
    return "".join(texts[start : texts.index(")", start) + 1])


def added_alike(s: Situation, last: Step) -> tuple[Column, ...]:
    """The columns that source and copy both got since ``last``, with the same type, default and
    so on, while the two follow each other. Capture can follow these."""
    if last.name not in _FOLLOWED or s.now is None:
        return ()
    source, copy = s.now.find(s.plan.source), s.now.find(s.plan.child)
    if source is None or copy is None:
        return ()
    known = s.source().column_names
    return tuple(
        c
        for c in source.columns
        if c.name not in known and c.name != s.plan.link and c.name in copy.column_names
        if _carried(c) == _carried(copy.column(c.name)) and not c.identity and c.sequence is None
    )


def _carried(column: Column) -> tuple[object, ...]:
    """What has to be the same on both sides."""
    c = column
    return (c.type, c.not_null, c.default, c.identity, c.generated, c.virtual, c.collation)


def misplaced_tables(s: Situation, last: Step | None) -> tuple[str, ...]:
    """A phrase for each of the plan's tables that is missing after ``last``, the highest step that
    is up, or that is there though no step has made it yet."""
    assert s.now is not None
    plan, now = s.plan, s.now
    own = plan.tables
    there = {name for name in own if now.find(name) is not None}
    if last is None:
        expected = there & {plan.source, plan.parent}
    else:
        after = last.becomes(s)
        expected = {name for name in own if after.find(name) is not None}
    return tuple(
        f'table "{name}" is {"there" if name in there else "missing"}'
        for name in own
        if (name in there) is not (name in expected)
    )


def _stops(difference: Difference, s: Situation, last: Step, going: Collection[str]) -> bool:
    if difference.aspect in _OF_TABLE:
        return True
    if difference.aspect not in _OF_COLUMN:
        return False
    plan, table = s.plan, difference.table
    if table == plan.retired:
        return "retire_source" in going
    if difference.change is not Change.EXTRA or last.name in _FOLLOWED:
        return True
    # Nobody follows another column of the child or the parent, and nobody has to: it stays where
    # it is until a downgrade takes its table away.
    if table != plan.child:
        return "rebuild_parent" in going
    return "retire_source" in going


def _with_children(s: Situation, own: Collection[str]) -> Iterator[str]:
    assert s.now is not None
    for table in s.now.tables:
        if table.name in own and table.children and table.partitioning is None:
            yield (
                f'table "{table.name}" has the child tables {", ".join(table.children)}: '
                "writes to them reach no trigger of ours"
            )
