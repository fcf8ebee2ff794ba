"""Rewrite JPQL: it reads a moved attribute through the association to the parent."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.scan.resolve.bindings import Kind
from membership_refactor.scan.resolve.spelling import camel, pascal
from membership_refactor.scan.resolve.tables_at_stage import GOING
from membership_refactor.scan.rewrite.edits import Edit
from membership_refactor.scan.rewrite.read_tables import NotMechanical, Reads


def path_edits(reads: Reads) -> Sequence[Edit]:
    """Make ``w.parent.person.id`` of ``w.person.id``, and give entities their new names."""
    plan, consumer = reads.plan, reads.view.consumer
    if reads.resolution.statement != "select":
        raise NotMechanical("JPQL that writes has to be changed together with the entities")
    associations = [a for a, column in consumer.attributes.items() if column == plan.link]
    association = next(iter(associations), camel(plan.parent))
    entities = [e for e, table in consumer.entities.items() if table == plan.child]
    edits: list[Edit] = []
    for source in reads.resolution.ours:
        if not source.wide or source.table is None:
            continue
        if source.table.table.name != plan.child and source.table_span is not None:
            edits.append(Edit(*source.table_span, next(iter(entities), pascal(plan.child))))
        for binding in reads.resolution.of(source):
            if binding.standing not in GOING:
                continue
            if binding.qualifier is None or binding.why or binding.kind is Kind.WRITE:
                raise NotMechanical(f"{binding.name} is used without the alias of its entity")
            edits.append(Edit(binding.start, binding.start, f"{association}."))
    if any(remark.code == "entity" for remark in reads.resolution.remarks):
        raise NotMechanical("it returns the whole entity, and the mapping decides what that loads")
    reads.forms.append("path")
    return edits
