"""Writes: UPDATE and DELETE of the wide table, split where that is the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from membership_refactor.scan.findings.values import Kind
from membership_refactor.scan.parse.tokens import Token, significant
from membership_refactor.scan.resolve.bind_name import span
from membership_refactor.scan.resolve.bindings import Binding, Source
from membership_refactor.scan.resolve.tables_at_stage import GOING
from membership_refactor.scan.rewrite.edits import Edit, applied, ordered
from membership_refactor.scan.rewrite.read_tables import NotMechanical, Reads

_AFTER_WHERE = {"RETURNING", "ORDER", "LIMIT"}


def clause_tokens(text: str, dialect: str, start: int) -> dict[str, Token]:
    """The first keyword of each clause after ``start``, outside of brackets."""
    found: dict[str, Token] = {}
    depth = 0
    for token in significant(text, dialect):
        depth += token.text == "("
        depth -= token.text == ")"
        if depth == 0 and token.start >= start and token.word:
            found.setdefault(token.word, token)
    return found


def update_edits(reads: Reads, target: Source) -> list[Edit]:
    """The edits of an UPDATE whose target is the wide table."""
    bindings = reads.resolution.of(target)
    written = [b for b in bindings if b.kind is Kind.WRITE]
    going = [b for b in written if b.standing in GOING]
    read = [b for b in bindings if b.kind is not Kind.WRITE]
    for binding in going:
        if binding.column in reads.plan.key:
            raise NotMechanical(
                f"{binding.written} identifies the parent: a changed key may meet another parent "
                "or split a group"
            )
    if not going and not any(b.standing in GOING for b in read):
        return list(reads.renamed(target, bindings))
    if going:
        staying = [b for b in read if b.standing not in GOING]
        if staying:
            raise NotMechanical(
                f"it sets {going[0].written} of the parent, and which rows is decided by "
                f"{staying[0].written} of the child: the siblings would change too"
            )
        if _limited(reads.resolution.tree):
            raise NotMechanical("LIMIT decides which rows, and a parent has several")
    _no_stars(reads, target)
    if reads.view.dialect == "mysql":
        return list(_mysql_update(reads, target, bindings))
    if not going:
        return list(_with_parent(reads, target, bindings, "FROM", "SET"))
    others = reads.resolution.tree.args.get("from_") or reads.resolution.tree.args.get("from")
    if others is not None:
        raise NotMechanical("it sets columns of the parent from another table's rows")
    if len(going) == len(written):
        return list(_parent_only(reads, target, read))
    return _both(reads, target, written, bindings)


def delete_edits(reads: Reads, target: Source) -> list[Edit]:
    """The edits of a DELETE from the wide table; parents left without children stay."""
    bindings = reads.resolution.of(target)
    if not any(b.standing in GOING for b in bindings):
        return list(reads.renamed(target, bindings))
    _no_stars(reads, target)
    if _limited(reads.resolution.tree):
        raise NotMechanical("LIMIT in a DELETE does not go with a join")
    if reads.view.dialect != "mysql":
        return list(_with_parent(reads, target, bindings, "USING", "WHERE"))
    child_text, child, parent_text, parent = reads.tables(target)
    assert target.span is not None
    reads.forms.append("delete")
    edits = [Edit(*target.span, f"{child_text} JOIN {parent_text} ON {reads.link(child, parent)}")]
    tables = reads.resolution.tree.args.get("tables")
    if not tables:
        words = clause_tokens(reads.text, "mysql", 0)
        if words.get("USING") is not None or "FROM" not in words:
            raise NotMechanical("DELETE FROM … USING: write it as DELETE alias FROM …")
        edits.append(Edit(words["FROM"].start, words["FROM"].start, f"{child} "))
    elif target.alias is None:
        where = span(tables[0].this)
        if where is not None:
            edits.append(Edit(*where, child))
    edits += reads.qualified(bindings, child, parent)
    return edits


def _with_parent(
    reads: Reads, target: Source, bindings: list[Binding], word: str, before: str
) -> Iterator[Edit]:
    """The parent beside the target: in FROM of an UPDATE, in USING of a DELETE."""
    assert target.span is not None
    child_text, child, parent_text, parent = reads.tables(target)
    reads.forms.append("update" if word == "FROM" else "delete")
    yield Edit(*target.span, child_text)
    words = clause_tokens(reads.text, reads.view.dialect, target.span[1])
    where = words.get("WHERE")
    tail = min(
        (token.start for key, token in words.items() if key in _AFTER_WHERE),
        default=len(reads.text.rstrip().rstrip(";").rstrip()),
    )
    existing = words.get(word)
    if existing is not None and (where is None or existing.start < where.start):
        yield Edit(existing.end, existing.end, f" {parent_text},")
        head = ""
    else:
        head = f"{word} {parent_text} "
    if where is None:
        gap = "" if reads.text[:tail][-1:].isspace() else " "
        rest = " " if tail < len(reads.text.rstrip()) else ""
        yield Edit(tail, tail, f"{gap}{head}WHERE {reads.link(child, parent)}{rest}")
    else:
        yield Edit(where.start, where.start, head)
        yield Edit(where.end, where.end, f" {reads.link(child, parent)} AND (")
        end = len(reads.text[:tail].rstrip())
        yield Edit(end, end, ")")
    yield from reads.qualified([b for b in bindings if b.kind is not Kind.WRITE], child, parent)


def _parent_only(reads: Reads, target: Source, read: list[Binding]) -> Iterator[Edit]:
    assert target.table_span is not None and target.table is not None
    reads.forms.append("update")
    new = reads.view.spell_table(reads.plan.parent)
    if target.table.table.name != reads.plan.parent:
        yield Edit(*target.table_span, new)
        if target.alias is None:
            for binding in read:
                if binding.qualifier is not None:
                    yield Edit(*binding.qualifier, new)


def _both(
    reads: Reads, target: Source, written: list[Binding], bindings: list[Binding]
) -> list[Edit]:
    """Two updates in one statement, so that both see the rows as they were."""
    tree, text = reads.resolution.tree, reads.text
    if tree.args.get("returning") is not None or tree.args.get("with_") is not None:
        raise NotMechanical("it sets columns of both tables, and has RETURNING or WITH")
    if reads.changed_before:
        raise NotMechanical("it sets columns of both tables, and reads the wide table elsewhere")
    assert target.span is not None
    words = clause_tokens(text, reads.view.dialect, target.span[1])
    where = words.get("WHERE")
    end = len(text.rstrip().rstrip(";").rstrip())
    going = {b.start for b in written if b.standing in GOING}
    parts: dict[bool, list[str]] = {True: [], False: []}
    starts = _assignments(tree)
    set_end = where.start if where is not None else end
    child_text, child, parent_text, parent = reads.tables(target)
    for index, start in enumerate(starts):
        stop = starts[index + 1] if index + 1 < len(starts) else set_end
        part = text[start:stop].rstrip().rstrip(",").rstrip()
        values = [b for b in bindings if b.kind is not Kind.WRITE and start <= b.start < stop]
        names = [b for b in written if start <= b.start < stop and b.qualifier is not None]
        to_parent = any(start <= at < stop for at in going)
        moved = [Edit(b.qualifier[0] - start, b.start - start, "") for b in names if b.qualifier]
        if to_parent:
            values = []
        moved += [
            Edit(e.start - start, e.end - start, e.text)
            for e in reads.qualified(values, child, parent)
        ]
        parts[to_parent].append(applied(part, ordered(moved)))
    reads.forms.append("update")
    condition = text[where.end : end].strip() if where is not None else ""
    inside = [b for b in bindings if where is not None and b.start >= where.end]
    offset = end - len(text[where.end : end].lstrip()) if where is not None else 0
    shifted = [
        Edit(e.start - offset, e.end - offset, e.text)
        for e in reads.qualified(inside, child, parent)
    ]
    joined = applied(condition, ordered(shifted)) if condition else ""
    link = reads.link(child, parent)
    children = (
        f"UPDATE {child_text} SET {', '.join(parts[False])} FROM {parent_text} "
        f"WHERE {link}{f' AND ({joined})' if joined else ''}"
    )
    alias = target.alias or child
    own = (
        f"UPDATE {reads.view.spell_table(reads.plan.parent)} {alias} "
        f"SET {', '.join(parts[True])}{f' WHERE {condition}' if condition else ''}"
    )
    name = reads.name("children_")
    start = len(text) - len(text.lstrip())
    return [Edit(start, end, f"WITH {name} AS ({children})\n{own}")]


def _assignments(tree: Any) -> list[int]:
    starts = []
    for item in tree.expressions:
        places = [w[0] for n in item.find_all(exp.Identifier) if (w := span(n)) is not None]
        if not places or not isinstance(item.this, exp.Column):
            raise NotMechanical("it sets several columns at once")
        starts.append(min(places))
    return starts


def _mysql_update(reads: Reads, target: Source, bindings: list[Binding]) -> Iterator[Edit]:
    if _limited(reads.resolution.tree):
        raise NotMechanical("ORDER BY and LIMIT do not go with an UPDATE of two tables")
    assert target.span is not None
    child_text, child, parent_text, parent = reads.tables(target)
    reads.forms.append("update")
    yield Edit(*target.span, f"{child_text} JOIN {parent_text} ON {reads.link(child, parent)}")
    yield from reads.qualified(bindings, child, parent)


def _limited(tree: Any) -> bool:
    return tree.args.get("limit") is not None or tree.args.get("order") is not None


def _no_stars(reads: Reads, target: Source) -> None:
    if any(star.source is target for star in reads.resolution.stars):
        raise NotMechanical("RETURNING * would return other columns")
    if any(b.clause == "returning" and b.standing in GOING for b in reads.resolution.of(target)):
        return
    if any(not b.certain for b in reads.resolution.of(target)):
        raise NotMechanical("a name in it may belong to more than one table")
