"""Rewrite one statement for the split structure and check it, or leave it and say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from membership_refactor.consumers import camel, pascal
from membership_refactor.planning import Stage
from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.findings.values import Rewritten
from membership_refactor.scan.parse.piece import Edit, Piece, Placed, applied
from membership_refactor.scan.parse.tokens import bracket_end, is_policy
from membership_refactor.scan.resolve.analyse import Analysed, Analyser, parse_as
from membership_refactor.scan.resolve.bindings import Binding, Kind, Resolution
from membership_refactor.scan.resolve.query import resolve
from membership_refactor.scan.resolve.tables_at_stage import GOING, Role, Standing
from membership_refactor.scan.rewrite.edits import Overlap, in_file, ordered
from membership_refactor.scan.rewrite.read_tables import NotMechanical, Reads, refuse
from membership_refactor.scan.rewrite.writes import delete_edits, insert_edits, update_edits


def rewritten(
    analyser: Analyser, analysed: Analysed, piece: Piece, collector: Collector
) -> Rewritten | None:
    """The new form of a statement, or the reason why there is none. None if none is needed."""
    resolution, placed = analysed.resolution, analysed.placed
    if not (
        any(source.role in (Role.SOURCE, Role.RETIRED) for source in resolution.ours)
        or any(binding.standing in GOING for binding in resolution.bindings)
        or any(star.source.wide for star in resolution.stars)
    ):
        return None
    start = max(0, placed.place(analysed.filled.sql.body[0]))
    left = Rewritten(
        place=collector.place(start), old=placed.text, new=None, form="",
        dialect=analysed.view.dialect, query=resolution.statement == "select",
    )  # fmt: skip
    for derived in (False, True):
        reads = Reads(analysed, analyser.portrait)
        try:
            edits = ordered(_edits(reads, piece, derived))
        except NotMechanical as error:
            return replace(left, reason=str(error))
        except Overlap:
            left = replace(left, reason="two changes of its text overlap")
            continue
        if not edits:
            return None
        left = replace(left, reason=_differences(analyser, reads, edits))
        if not left.reason:
            in_place = in_file(edits, placed, collector.text, escape=piece.escape)
            if in_place is None or not piece.editable:
                left = replace(left, reason="its text is put together from parts: edit it by hand")
                in_place = ()
            new, form = applied(placed.text, edits), "+".join(dict.fromkeys(reads.forms))
            return replace(left, new=new, form=form, edits=in_place)
        if analysed.view.jpql:
            break
    return left


def _differences(analyser: Analyser, reads: Reads, edits: Sequence[Edit]) -> str:
    """Why the new text is not the old statement. Empty where every binding is as it should be."""
    analysed, dialect = reads.analysed, reads.view.dialect
    new = Placed.at(analysed.placed.text).replaced(edits, made=-1)
    tree, failure = parse_as(new.text, dialect)
    if tree is None:
        return f"the new text does not parse: {failure}"
    whole = "insert" in reads.forms or (len(edits) == 1 and edits[0].text.startswith("WITH "))
    by_name = not (whole or reads.view.jpql)
    for stage in (Stage.INTERIM, Stage.CURRENT):
        found = resolve(tree, analyser.view(dialect, stage), row_table=analysed.row_table)
        reason = _old_structure(found, whole=not reads.plan.parent)
        reason = reason or (_moved(analysed, new, found) if by_name else "")
        if reason:
            return f"at {stage}: {reason}"
    return ""


def _old_structure(found: Resolution, *, whole: bool) -> str:
    """How the new text still needs the old structure, or means something unclear. ``whole``: the
    child has every column."""
    for remark in found.remarks:
        if remark.code in ("ambiguous", "rebinds"):
            return remark.message
    for binding in found.bindings:
        source = binding.source
        deprecated = binding.standing is Standing.DEPRECATED and source.table is not None
        if binding.standing is Standing.GONE or (deprecated and source.role is not Role.RETIRED):
            return f"{binding.name} is still read from the child"
    if not whole and any(star.source.role is Role.COPY for star in found.stars):
        return "a star over the child returns fewer columns"
    return ""


def _moved(analysed: Analysed, new: Placed, found: Resolution) -> str:
    """Which name is bound to another table than it should be."""
    expected = {binding.end - 1: binding for binding in analysed.resolution.bindings}
    for binding in {binding.end: binding for binding in found.bindings}.values():
        at, source = new.offsets[binding.end - 1], binding.source
        old = expected.pop(at, None)
        # Columns of the wide table may come from the subquery of the old shape.
        derived = old is not None and old.source.wide and source.table is None
        if at >= 0 and source.role is not _home(old) and not derived:
            where = source.table.table.name if source.table is not None else "another table"
            return f"{binding.name} means a column of {where}, which it did not before"
    for at in expected.keys() & set(new.offsets):
        if expected[at].source.table is not None:
            return f"{expected[at].name} belongs to no table in the new text"
    return ""


def _home(old: Binding | None) -> Role | None:
    """The table that has the column in the new structure, if it is one of the plan's."""
    if old is None:
        return None
    if not old.source.wide:
        return old.source.role
    return Role.PARENT if old.standing in GOING else Role.COPY


_WRITES = {"update": update_edits, "delete": delete_edits, "insert": insert_edits}


def _edits(reads: Reads, piece: Piece, derived: bool) -> Sequence[Edit]:
    """The edits of the statement's text. Raises NotMechanical."""
    resolution, tree, text = reads.resolution, reads.resolution.tree, piece.placed.text.strip()
    words = {word for s in resolution.ours if s.wide for word in (s.base, s.name)}
    bracketed = text.startswith("(") and bracket_end(text, 0) == len(text)
    view = tree.key == "create" and tree.args.get("expression") is not None
    refuse(reads.analysed.other_dialect and piece.body, "it is not in the declared dialect")
    by_hand = "a variable takes its type from the table: change it by hand"
    refuse(piece.body and not piece.editable, by_hand)
    by_hand = (
        "the routine has a result, an argument or a variable of the table's row type: change it "
        "by hand"
    )
    refuse(words & piece.row_types, by_hand)
    formula = "a formula is a part of statements that are not known here"
    refuse(piece.escape and bracketed, formula)
    refuse(is_policy(piece.placed.text), "a policy is changed by a revision or by hand")
    refuse(resolution.statement == "merge", "MERGE has to be split by hand")
    definition = resolution.statement == "definition" and not view
    refuse(definition, "a definition is changed by a revision or by hand")
    if reads.view.jpql:
        return _path_edits(reads)
    rows = {id(s) for s in resolution.ours if s.name in ("excluded", "new", "old")}
    edits: list[Edit] = []
    for source in resolution.ours:
        old = source.wide or source.role is Role.RETIRED
        if old and not source.target and id(source) not in rows:
            edits += reads.edits(source, derived=derived)
    reads.changed_before = bool(edits)
    needed = any(id(b.source) in rows and b.standing in GOING for b in resolution.bindings)
    refuse(needed, "NEW, OLD or EXCLUDED would need columns of both tables")
    for target in (source for source in resolution.ours if source.target and source.wide):
        write = _WRITES.get(resolution.statement)
        nested = target.node is not None and target.node.find_ancestor(exp.CTE) is not None
        refuse(target.hinted, "a hint is written at the table")
        if write is None or nested:
            raise NotMechanical("it writes the table inside another statement")
        edits += write(reads, target)
    return edits


def _path_edits(reads: Reads) -> Sequence[Edit]:
    """Make ``w.parent.person.id`` of ``w.person.id``, and give entities their new names."""
    plan, consumer = reads.plan, reads.view.consumer
    writes = reads.resolution.statement != "select"
    refuse(writes, "JPQL that writes has to be changed together with the entities")
    associations = [a for a, column in consumer.attributes.items() if column == plan.link]
    association = next(iter(associations), camel(plan.parent))
    entities = [e for e, table in consumer.entities.items() if table == plan.child]
    edits: list[Edit] = []
    for source in (source for source in reads.resolution.ours if source.wide):
        if source.table is not None and source.table.table.name != plan.child:
            edits.append(Edit(*source.table_span, next(iter(entities), pascal(plan.child))))
        for binding in (b for b in reads.resolution.of(source) if b.standing in GOING):
            unsure = binding.qualifier is None or binding.why or binding.kind is Kind.WRITE
            refuse(unsure, f"{binding.name} is used without the alias of its entity")
            edits.append(Edit(binding.start, binding.start, f"{association}."))
    whole = any(remark.code == "entity" for remark in reads.resolution.remarks)
    refuse(whole, "it returns the whole entity, and the mapping decides what that loads")
    reads.forms.append("path")
    return edits
