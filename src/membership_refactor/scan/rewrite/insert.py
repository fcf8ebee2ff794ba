"""Inserts: a row of the wide table as one of the parent, found or made, and one of the child."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from membership_refactor.scan.parse.tokens import arguments, closing, significant
from membership_refactor.scan.resolve.bindings import Source
from membership_refactor.scan.rewrite.edits import Edit
from membership_refactor.scan.rewrite.read_tables import NotMechanical, Reads


def insert_edits(reads: Reads, target: Source) -> list[Edit]:
    """The edits of an INSERT into the wide table."""
    tree = reads.resolution.tree
    plan = reads.plan
    if not isinstance(tree.this, exp.Schema):
        raise NotMechanical("it names no columns, and the tables have others now")
    bindings = [b for b in reads.resolution.of(target) if b.clause == "set"]
    names = [b.column or b.name for b in bindings]
    if not any(name in plan.deprecated for name in names):
        return list(reads.renamed(target, bindings))
    if reads.view.dialect == "mysql":
        raise NotMechanical(
            "MySQL has neither RETURNING nor a unique key over missing values: look the parent "
            "up by its key, null-safe, insert it where there is none, then the child"
        )
    if tree.args.get("conflict") is not None or tree.args.get("with_") is not None:
        raise NotMechanical("it has WITH or ON CONFLICT of its own")
    missing = [column for column in plan.key if column not in names]
    if len(missing) == len(plan.key):
        raise NotMechanical("it gives no column of the parent's key")
    values = _single_row(tree)
    return [_one_row(reads, target, names, values)]


def _single_row(tree: Any) -> Any:
    source = tree.expression
    if not isinstance(source, exp.Values):
        raise NotMechanical(
            "INSERT … SELECT: insert the parents of the new keys first (DISTINCT over the key, "
            "ON CONFLICT), then the children joined to them by the key, null-safe"
        )
    if len(source.expressions) != 1:
        raise NotMechanical(
            "it inserts several rows: two of one key need one parent; write one statement a row"
        )
    return source.expressions[0]


def _one_row(reads: Reads, target: Source, names: list[str], values: Any) -> Edit:
    text, plan, view = reads.text, reads.plan, reads.view
    assert target.span is not None
    texts = _value_texts(reads, target, len(names))
    returning = ""
    tokens = significant(text, view.dialect)
    for token in tokens:
        if token.word == "RETURNING":
            returning = text[token.start :].rstrip().rstrip(";").rstrip()
            break
    if returning and reads.resolution.tree.args["returning"] is not None:
        own = {name for name in names if name in plan.deprecated}
        used = {
            i.name.lower() for i in reads.resolution.tree.args["returning"].find_all(exp.Identifier)
        }
        if used & {view.names.column(n).lower() for n in own} or "*" in returning:
            raise NotMechanical("RETURNING reads columns of the parent")
    pairs = list(zip(names, texts, strict=True))
    parents = [(n, t) for n, t in pairs if n in plan.deprecated]
    children = [(n, t) for n, t in pairs if n not in plan.deprecated]
    schema = text[target.span[0] : (target.table_span or target.span)[0]]
    uuid = view.spell_column(plan.parent_id)
    key = ", ".join(view.spell_column(name) for name in plan.key)
    first = view.spell_column(plan.key[0])
    found = reads.name("parent_")
    reads.forms.append("insert")
    parent_names = ", ".join([uuid, *(view.spell_column(n) for n, _ in parents)])
    parent_values = ", ".join(["gen_random_uuid()", *(t for _, t in parents)])
    child_names = ", ".join(
        [view.spell_column(plan.link), *(view.spell_column(n) for n, _ in children)]
    )
    child_values = ", ".join([f"{found}.{uuid}", *(t for _, t in children)])
    new = (
        f"WITH {found} AS (INSERT INTO {schema}{view.spell_table(plan.parent)} ({parent_names}) "
        f"VALUES ({parent_values}) ON CONFLICT ({key}) DO UPDATE SET {first} = EXCLUDED.{first} "
        f"RETURNING {uuid})\n"
        f"INSERT INTO {schema}{view.spell_table(plan.copy)} ({child_names}) "
        f"SELECT {child_values} FROM {found}"
    )
    if returning:
        new += f" {returning}"
    start = len(text) - len(text.lstrip())
    return Edit(start, len(text.rstrip().rstrip(";").rstrip()), new)


def _value_texts(reads: Reads, target: Source, count: int) -> list[str]:
    text = reads.text
    found = significant(text, reads.view.dialect)
    at = next((i for i, t in enumerate(found) if t.word == "VALUES"), None)
    if at is None or found[at + 1].text != "(":
        raise NotMechanical("its values are not written as one row")
    close = closing(found, at + 1)
    texts = [text[found[a].start : found[b - 1].end] for a, b in arguments(found, at + 1, close)]
    if len(texts) != count:
        raise NotMechanical("it has not one value per column")
    if any(t.strip().upper() == "DEFAULT" for t in texts):
        raise NotMechanical("DEFAULT as a value cannot be moved into a SELECT")
    return texts
