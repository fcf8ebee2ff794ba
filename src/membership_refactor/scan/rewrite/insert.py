"""Rewrite an INSERT into the wide table, and JPQL that reads moved attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from membership_refactor.scan.consumers import camel, pascal
from membership_refactor.scan.parse.piece import Edit
from membership_refactor.scan.parse.tokens import arguments, closing
from membership_refactor.scan.resolve.bindings import Kind, Source
from membership_refactor.scan.resolve.tables_at_stage import GOING
from membership_refactor.scan.rewrite.read_tables import NotMechanical, Reads, refuse


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
    returning = _returning(reads, names)
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


def _returning(reads: Reads, names: list[str]) -> str:
    """RETURNING as written; it may not read columns that go to the parent."""
    tree: Any = reads.resolution.tree.args.get("returning")
    start = next((t.start for t in reads.sql.tokens if t.word == "RETURNING"), None)
    if start is None:
        return ""
    text, spelled = reads.text[start : reads.sql.body[1]], reads.view.names.column
    moved = {spelled(name).lower() for name in names if name in reads.plan.deprecated}
    used = {node.name.lower() for node in tree.find_all(exp.Identifier)} if tree else set()
    refuse(tree and (used & moved or "*" in text), "RETURNING reads columns of the parent")
    return text


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


def path_edits(reads: Reads) -> Sequence[Edit]:
    """Make ``w.parent.person.id`` of ``w.person.id``, and give entities their new names."""
    plan, consumer = reads.plan, reads.view.consumer
    writes = reads.resolution.statement != "select"
    refuse(writes, "JPQL that writes has to be changed together with the entities")
    associations = [a for a, column in consumer.attributes.items() if column == plan.link]
    association = next(iter(associations), camel(plan.parent))
    entities = [e for e, table in consumer.entities.items() if table == plan.child]
    edits: list[Edit] = []
    for source in reads.resolution.ours:
        if not source.wide or source.table is None:
            continue
        if source.table.table.name != plan.child:
            edits.append(Edit(*source.table_span, next(iter(entities), pascal(plan.child))))
        for binding in reads.resolution.of(source):
            if binding.standing not in GOING:
                continue
            if binding.qualifier is None or binding.why or binding.kind is Kind.WRITE:
                raise NotMechanical(f"{binding.name} is used without the alias of its entity")
            edits.append(Edit(binding.start, binding.start, f"{association}."))
    whole = any(remark.code == "entity" for remark in reads.resolution.remarks)
    refuse(whole, "it returns the whole entity, and the mapping decides what that loads")
    reads.forms.append("path")
    return edits
