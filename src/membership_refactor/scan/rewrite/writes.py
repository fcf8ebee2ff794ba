"""Rewrite an INSERT, UPDATE or DELETE of the wide table, where splitting it gives the same rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlglot import exp

from membership_refactor.scan.parse.piece import Edit, applied
from membership_refactor.scan.parse.tokens import SqlText, Token, arguments, closing
from membership_refactor.scan.resolve.bind_name import span
from membership_refactor.scan.resolve.bindings import Binding, Kind, Source, Span
from membership_refactor.scan.resolve.tables_at_stage import GOING
from membership_refactor.scan.rewrite.edits import ordered
from membership_refactor.scan.rewrite.read_tables import NotMechanical, Pair, Reads, refuse

_AFTER_WHERE = {"RETURNING", "ORDER", "LIMIT"}


def insert_edits(reads: Reads, target: Source) -> list[Edit]:
    """The edits of an INSERT into the wide table."""
    tree, plan = reads.resolution.tree, reads.plan
    if not plan.parent:
        return list(reads.renamed(target, reads.resolution.of(target)))
    columns = isinstance(tree.this, exp.Schema)
    refuse(not columns, "it names no columns, and the new tables have other columns")
    bindings = [b for b in reads.resolution.of(target) if b.clause == "insert"]
    names = [b.column or b.name for b in bindings]
    # With the link, kept columns are the child's.
    moving = plan.leaving if plan.link in names else plan.deprecated
    if not any(name in moving for name in names):
        return list(reads.renamed(target, bindings))
    refuse(
        reads.view.dialect == "mysql",
        "MySQL has neither RETURNING nor a unique key over missing values: look the parent up by "
        "its key, null-safe; insert it where there is none; then insert the child",
    )
    own = tree.args.get("conflict") is not None or tree.args.get("with_") is not None
    refuse(own, "it has WITH or ON CONFLICT of its own")
    refuse(plan.link in names, "it gives the link, and columns of the parent beside it")
    refuse(not any(name in plan.key for name in names), "it gives no column of the parent's key")
    refuse(
        not isinstance(tree.expression, exp.Values),
        "INSERT … SELECT: insert the parents of the new keys first (DISTINCT over the key, ON "
        "CONFLICT), then the children joined to them by the key, null-safe",
    )
    refuse(
        len(tree.expression.expressions) != 1,
        "it inserts several rows, and rows of one key need one parent. Write one statement for "
        "each row",
    )
    return [_one_row(reads, target, names)]


def _one_row(reads: Reads, target: Source, names: list[str]) -> Edit:
    plan, spelled = reads.plan, reads.view.spell_column
    given = dict(zip(names, _values(reads, len(names)), strict=True))
    returning = _returning(reads, target)
    found, (child, parent) = reads.name("parent_"), reads.tables(target)
    reads.forms.append("insert")
    uuid, first = spelled(plan.parent_id), spelled(plan.key[0])
    key = ", ".join(map(spelled, plan.key))
    parents = {plan.parent_id: "gen_random_uuid()"}
    parents |= {name: text for name, text in given.items() if name in plan.deprecated}
    children = {plan.link: f"{found}.{uuid}"}
    children |= {name: text for name, text in given.items() if name not in plan.leaving}
    new = (
        f"WITH {found} AS (INSERT INTO {parent} ({', '.join(map(spelled, parents))}) "
        f"VALUES ({', '.join(parents.values())}) ON CONFLICT ({key}) "
        f"DO UPDATE SET {first} = EXCLUDED.{first} RETURNING {uuid})\n"
        f"INSERT INTO {child} ({', '.join(map(spelled, children))}) "
        f"SELECT {', '.join(children.values())} FROM {found}"
    )
    return Edit(*reads.sql.body, f"{new} {returning}" if returning else new)


def _returning(reads: Reads, target: Source) -> str:
    """RETURNING as written; it may not read columns that go to the parent."""
    returning = _clauses(reads.sql, 0).get("RETURNING")
    if returning is None:
        return ""
    stars = any(star.source is target for star in reads.resolution.stars)
    read = (b for b in reads.resolution.of(target) if b.clause == "returning")
    moved = any(binding.standing in GOING for binding in read)
    refuse(stars or moved, "RETURNING reads columns of the parent")
    return reads.text[returning.start : reads.sql.body[1]]


def _values(reads: Reads, count: int) -> list[str]:
    """The values of the row as they are written."""
    text, found = reads.text, reads.sql.tokens
    at = next((i for i, t in enumerate(found) if t.word == "VALUES"), None)
    if at is None or found[at + 1].text != "(":
        raise NotMechanical("its values are not one row of VALUES")
    close = closing(found, at + 1)
    texts = [text[found[a].start : found[b - 1].end] for a, b in arguments(found, at + 1, close)]
    refuse(len(texts) != count, "the number of values is not the number of columns")
    default = any(t.strip().upper() == "DEFAULT" for t in texts)
    refuse(default, "a value is DEFAULT, which cannot stand in a SELECT")
    return texts


def _clauses(sql: SqlText, start: int) -> dict[str, Token]:
    """The first token of each word after ``start``, outside of brackets."""
    found: dict[str, Token] = {}
    depth = 0
    for token in sql.tokens:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.start >= start and token.word:
            found.setdefault(token.word, token)
    return found


def update_edits(reads: Reads, target: Source) -> list[Edit]:
    """The edits of an UPDATE whose target is the wide table."""
    bindings, tree = reads.resolution.of(target), reads.resolution.tree
    written = [b for b in bindings if b.kind is Kind.WRITE]
    going = [b for b in written if b.standing in GOING]
    read = [b for b in bindings if b.kind is not Kind.WRITE]
    for binding in going:
        refuse(
            binding.column in reads.plan.key,
            f"{binding.written} identifies the parent: a changed key may meet another parent or "
            "split a group",
        )
    if not going and not any(b.standing in GOING for b in read):
        return list(reads.renamed(target, bindings))
    if going:
        one_each = "RETURNING would give one row for each parent, not for each child"
        refuse(tree.args.get("returning") is not None, one_each)
        for staying in (b.written for b in read if b.standing not in GOING):
            raise NotMechanical(
                f"it sets {going[0].written} of the parent, but {staying} of the child decides for "
                "which rows: the siblings would change too"
            )
        refuse(_limited(tree), "LIMIT picks single rows, and one parent has several")
    _refuse_unclear(reads, target, bindings)
    if reads.view.dialect == "mysql":
        limited = "MySQL allows no ORDER BY or LIMIT in an UPDATE of two tables"
        refuse(_limited(tree), limited)
        return _mysql_join(reads, target, bindings, reads.pair(target))
    if not going:
        return list(_with_parent(reads, target, bindings, "FROM"))
    joined = tree.args.get("from_") is not None
    refuse(joined, "it sets columns of the parent from another table's rows")
    if len(going) == len(written):
        return list(_parent_only(reads, target, read))
    return [_both(reads, target, bindings)]


def delete_edits(reads: Reads, target: Source) -> list[Edit]:
    """The edits of a DELETE from the wide table. Parents left without children stay."""
    bindings, tree = reads.resolution.of(target), reads.resolution.tree
    if not any(b.standing in GOING for b in bindings):
        return list(reads.renamed(target, bindings))
    _refuse_unclear(reads, target, bindings)
    refuse(_limited(tree), "a DELETE with a join cannot have LIMIT")
    if reads.view.dialect != "mysql":
        return list(_with_parent(reads, target, bindings, "USING"))
    pair = reads.pair(target)
    edits = _mysql_join(reads, target, bindings, pair)
    tables = tree.args.get("tables")
    if not tables:
        words = _clauses(reads.sql, 0)
        other = "USING" in words or "FROM" not in words
        refuse(other, "DELETE FROM … USING: write it as DELETE alias FROM …")
        edits.append(Edit(words["FROM"].start, words["FROM"].start, f"{pair.child} "))
    elif target.alias is None and (where := span(tables[0].this)) is not None:
        edits.append(Edit(*where, pair.child))
    return edits


def _mysql_join(
    reads: Reads, target: Source, bindings: Sequence[Binding], pair: Pair
) -> list[Edit]:
    reads.forms.append(reads.resolution.statement)
    join = f"{pair.child_text} JOIN {pair.parent_text} ON {pair.link}"
    return [Edit(*target.span, join), *reads.qualified(bindings, pair)]


def _with_parent(
    reads: Reads, target: Source, bindings: Sequence[Binding], word: str
) -> Iterator[Edit]:
    """Put the parent beside the target: in FROM of an UPDATE, in USING of a DELETE."""
    pair = reads.pair(target)
    reads.forms.append(reads.resolution.statement)
    yield Edit(*target.span, pair.child_text)
    words = _clauses(reads.sql, target.span[1])
    where, existing = words.get("WHERE"), words.get(word)
    head = f"{word} {pair.parent_text} "
    if existing is not None and (where is None or existing.start < where.start):
        yield Edit(existing.end, existing.end, f" {pair.parent_text},")
        head = ""
    yield from _with_condition(reads, words, pair.link, head)
    yield from reads.qualified([b for b in bindings if b.kind is not Kind.WRITE], pair)


def _with_condition(
    reads: Reads, words: Mapping[str, Token], condition: str, head: str = ""
) -> Iterator[Edit]:
    """Add a condition to WHERE, and ``head`` before it."""
    where = words.get("WHERE")
    ends = [token.start for key, token in words.items() if key in _AFTER_WHERE]
    limit = min(ends, default=reads.sql.body[1])
    # Before a comment at the end, which would hide it.
    end = max(token.end for token in reads.sql.tokens if token.end <= limit)
    if where is None:
        yield Edit(end, end, f" {head}WHERE {condition}")
        return
    yield Edit(where.start, where.start, head)
    yield Edit(where.end, where.end, f" {condition} AND (")
    yield Edit(end, end, ")")


def _parent_only(reads: Reads, target: Source, read: Sequence[Binding]) -> Iterator[Edit]:
    """Update the parents that have a child: one without was no row of the wide table."""
    view, plan = reads.view, reads.plan
    child, link = reads.tables(target)[0], view.spell_column(plan.link)
    parent, alias = target.alias or view.spell_table(plan.parent), reads.name("child_")
    reads.forms.append("update")
    yield from reads.renamed(target, read, plan.parent)
    has_child = (
        f"EXISTS (SELECT 1 FROM {child} {alias} "
        f"WHERE {alias}.{link} = {parent}.{view.spell_column(plan.parent_id)})"
    )
    yield from _with_condition(reads, _clauses(reads.sql, target.table_span[1]), has_child)


def _both(reads: Reads, target: Source, bindings: Sequence[Binding]) -> Edit:
    """Make two updates in one statement, so that both see the rows as they were."""
    tree, text = reads.resolution.tree, reads.text
    more = tree.args.get("returning") is not None or tree.args.get("with_") is not None
    refuse(more, "it sets columns of both tables, and has RETURNING or WITH")
    elsewhere = "it sets columns of both tables, and reads the wide table elsewhere"
    refuse(reads.changed_before, elsewhere)
    where = _clauses(reads.sql, target.span[1]).get("WHERE")
    begin, end = reads.sql.body
    starts = [*_assignments(tree), where.start if where is not None else end]
    going = [b.start for b in bindings if b.kind is Kind.WRITE and b.standing in GOING]
    halves: dict[bool, list[Span]] = {True: [], False: []}
    for start, stop in itertools.pairwise(starts):
        halves[any(start <= place < stop for place in going)].append((start, stop))

    def half(edits: Iterable[Edit], kept: Sequence[Span], lost: Sequence[Span]) -> str:
        """The statement with some of its assignments, and the edits outside of the others."""
        made = [e for e in edits if not any(start <= e.start < stop for start, stop in lost)]
        made += [Edit(start, stop, " ") for start, stop in lost]
        last = [token for token in reads.sql.tokens if token.end <= kept[-1][1]][-1]
        made += [Edit(last.start, last.end, "")] if last.text == "," else []
        return applied(text[:end], ordered(made))[begin:].rstrip()

    read = [b for b in bindings if b.kind is not Kind.WRITE]
    children = half(_with_parent(reads, target, bindings, "FROM"), halves[False], halves[True])
    own = half(_parent_only(reads, target, read), halves[True], halves[False])
    return Edit(begin, end, f"WITH {reads.name('children_')} AS ({children})\n{own}")


def _assignments(tree: Any) -> list[int]:
    """Where each assignment of SET begins."""
    starts = []
    for item in tree.expressions:
        places = [w[0] for n in item.find_all(exp.Identifier) if (w := span(n)) is not None]
        if not places or not isinstance(item.this, exp.Column):
            raise NotMechanical("it sets several columns at once")
        starts.append(min(places))
    return starts


def _limited(tree: Any) -> bool:
    return tree.args.get("limit") is not None or tree.args.get("order") is not None


def _refuse_unclear(reads: Reads, target: Source, bindings: Sequence[Binding]) -> None:
    star = any(star.source is target for star in reads.resolution.stars)
    refuse(star, "RETURNING * would return other columns")
    returned = any(b.clause == "returning" and b.standing in GOING for b in bindings)
    unsure = not returned and any(b.why for b in bindings)
    refuse(unsure, "a name in it may belong to more than one table")
