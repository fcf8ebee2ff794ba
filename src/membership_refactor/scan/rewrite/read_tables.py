"""Reads: a table reference in its join form, derived form or under its new name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from membership_refactor.portrait import Portrait
from membership_refactor.scan.findings.dangers import wide
from membership_refactor.scan.findings.values import Kind
from membership_refactor.scan.resolve.analyse import Analysed
from membership_refactor.scan.resolve.bindings import Binding, Source
from membership_refactor.scan.resolve.tables_at_stage import GOING, parent_columns, wide_columns
from membership_refactor.scan.rewrite.edits import Edit


class NotMechanical(Exception):
    """The statement has to be rewritten by a person; the message says why."""


def in_aggregate(tree: Any, binding: Binding) -> bool:
    """Whether the name is the argument of an aggregate of its own query."""
    for identifier in tree.find_all(exp.Identifier):
        if identifier.meta.get("start") == binding.start:
            found = identifier.find_ancestor(exp.AggFunc, exp.Select)
            return isinstance(found, exp.AggFunc)
    return False


@dataclass
class Reads:
    """Writes the edits for the sources that a statement reads."""

    analysed: Analysed
    portrait: Portrait | None = None
    forms: list[str] = field(default_factory=list)
    changed_before: bool = False
    """Whether sources beside the target were rewritten."""
    _taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        from membership_refactor.scan.read.embedded_sql import WORDS

        self.text = self.analysed.placed.text
        self.view = self.analysed.view
        self.plan = self.view.structure.plan
        self._taken = {word.lower() for word in WORDS.findall(self.text)}
        assert self.analysed.resolution is not None
        self.resolution = self.analysed.resolution

    def name(self, wanted: str) -> str:
        """An alias that occurs nowhere in the statement."""
        candidate, number = wanted, 1
        while candidate.lower() in self._taken:
            number += 1
            candidate = f"{wanted}{number}"
        self._taken.add(candidate.lower())
        return candidate

    def edits(self, source: Source, *, derived: bool) -> Iterator[Edit]:
        """What the reference and its columns become."""
        assert source.table is not None
        if not wide(source):
            raise NotMechanical(f"{source.table.table.name} is the archive; it goes in 0011")
        if source.span is None:
            raise NotMechanical("the table's place in the text is not known")
        bindings = self.resolution.of(source)
        going = [b for b in bindings if b.standing in GOING]
        stars = [
            s
            for s in self.resolution.stars
            if s.source is source and s.kind in (Kind.STAR, Kind.WHOLE_ROW)
        ]
        holes = [h for h in self.analysed.masked.holes if h.free]
        must = bool(
            stars
            or source.renames
            or source.composite
            or holes
            or self.analysed.masked.macros
            or (source.merged and going)
            or any(not b.certain for b in bindings)
        )
        if must or (derived and going):
            self._plain_reference(source)
            if any(s.kind is Kind.STAR and self.text[s.end - 1] != "*" for s in stars):
                raise NotMechanical("it takes the table by its name alone: write SELECT")
            yield self._derived(source)
        elif going:
            self._plain_reference(source)
            yield from self._joined(source, bindings)
        else:
            yield from self.renamed(source, bindings)

    def _plain_reference(self, source: Source) -> None:
        if source.hinted:
            raise NotMechanical(
                "a hint, sample or partition stands at the table and fits no join of two"
            )

    def renamed(self, source: Source, bindings: Sequence[Binding]) -> Iterator[Edit]:
        """Only columns that stay: the child's name takes the place of the wide table's."""
        assert source.table is not None and source.table_span is not None
        new = self.view.spell_table(self.plan.copy)
        if source.table.table.name == self.plan.copy:
            return
        self.forms.append("rename")
        start, end = source.table_span
        yield Edit(start, end, new)
        if source.alias is None:
            for binding in bindings:
                if binding.qualifier is not None:
                    first, last = self._own_qualifier(binding)
                    yield Edit(first, last, new)

    def _own_qualifier(self, binding: Binding) -> tuple[int, int]:
        """The table's part of ``schema.table.column``."""
        assert binding.qualifier is not None
        start, end = binding.qualifier
        dot = self.text.rfind(".", start, end)
        return (dot + 1 if dot >= 0 else start, end)

    def tables(self, source: Source) -> tuple[str, str, str, str]:
        """Child and parent as written in FROM (with alias), and their qualifiers."""
        schema = self._schema(source)
        child = self.view.spell_table(self.plan.copy)
        parent = self.view.spell_table(self.plan.parent)
        if source.alias is not None:
            alias = source.alias if self._bare(source.alias) else self._quoted_alias(source)
            child_text, child_name = f"{schema}{child} {alias}", alias
        elif source.table is not None and source.table.table.name == self.plan.copy:
            child_text, child_name = f"{schema}{child}", child
        else:
            child_name = self.name(child.strip('"`'))
            child_name = child if child_name == child.strip('"`') else child_name
            child_text = f"{schema}{child}"
            if child_name != child:
                child_text += f" {child_name}"
        short = child_name.strip('"`')
        parent_name = self.name(f"{short}_pm" if len(short) < 12 else f"{short}_parent")
        return child_text, child_name, f"{schema}{parent} {parent_name}", parent_name

    @staticmethod
    def _bare(alias: str) -> bool:
        return alias.replace("_", "a").isalnum()

    def _quoted_alias(self, source: Source) -> str:
        quote = "`" if self.view.dialect == "mysql" else '"'
        return f"{quote}{source.alias}{quote}"

    def _schema(self, source: Source) -> str:
        assert source.span is not None and source.table_span is not None
        return self.text[source.span[0] : source.table_span[0]]

    def link(self, child: str, parent: str) -> str:
        """The condition that joins the two."""
        uuid = self.view.spell_column(self.plan.parent_id)
        return f"{parent}.{uuid} = {child}.{self.view.spell_column(self.plan.link)}"

    def _joined(self, source: Source, bindings: Sequence[Binding]) -> Iterator[Edit]:
        assert source.span is not None
        child_text, child, parent_text, parent = self.tables(source)
        self.forms.append("join")
        yield Edit(*source.span, f"({child_text} JOIN {parent_text} ON {self.link(child, parent)})")
        yield from self.qualified(bindings, child, parent)
        yield from self._grouped(bindings, parent)
        yield from self._neighbours(source)

    def qualified(self, bindings: Sequence[Binding], child: str, parent: str) -> Iterator[Edit]:
        """Every column with the alias of the table that has it from now on."""
        for binding in bindings:
            if binding.clause in ("using", "natural", "whole row"):
                continue
            qualifier = parent if binding.standing in GOING else child
            start = binding.qualifier[0] if binding.qualifier else binding.start
            written = self.text[start : binding.start]
            if written.rstrip().rstrip(".").rstrip().lower() == qualifier.lower():
                continue
            yield Edit(start, binding.start, f"{qualifier}.")

    def _grouped(self, bindings: Sequence[Binding], parent: str) -> Iterator[Edit]:
        """GROUP BY the child's key allowed every column; now the parent's key is needed too."""
        ids = [b for b in bindings if b.clause == "group" and b.column == self.plan.id]
        grouped = {b.column for b in bindings if b.clause == "group"}
        loose = [
            b
            for b in bindings
            if b.standing in GOING
            and b.column not in grouped
            and b.clause in ("select", "having", "order")
            and not in_aggregate(self.resolution.tree, b)
        ]
        if ids and loose:
            uuid = self.view.spell_column(self.plan.parent_id)
            yield Edit(ids[0].end, ids[0].end, f", {parent}.{uuid}")

    def _neighbours(self, source: Source) -> Iterator[Edit]:
        """Unqualified columns of other tables that child or parent have too."""
        assert self.analysed.resolution is not None
        names = {
            self.view.names.column(name).lower()
            for name in (*parent_columns(self.plan), self.plan.link)
        }
        queries = {b.query for b in self.resolution.of(source)}
        for binding in self.resolution.bindings:
            other = binding.source
            if (
                other is not None
                and other.table is None
                and other.name
                and binding.qualifier is None
                and binding.name in names
                and binding.query in queries
                and binding.clause not in ("using", "natural", "set")
            ):
                yield Edit(binding.start, binding.start, f"{other.alias or other.name}.")

    def _derived(self, source: Source) -> Edit:
        """A subquery of the old shape under the old name; no column has to be touched."""
        assert source.span is not None and source.table is not None
        self.forms.append("derived")
        schema = self._schema(source)
        child, parent = self.name("c_"), self.name("p_")
        deprecated = set(self.plan.deprecated)
        columns = [
            f"{parent if name in deprecated else child}.{self.view.spell_column(name)}"
            for name in wide_columns(self.plan, portrait=self.portrait)
        ]
        if self.plan.link in source.table.table.present:
            columns.append(f"{child}.{self.view.spell_column(self.plan.link)}")
        alias = self.text[(source.table_span or source.span)[1] : source.span[1]].strip()
        if not alias:
            start, end = source.table_span or source.span
            alias = self.text[start:end]
        return Edit(
            *source.span,
            f"(SELECT {', '.join(columns)} FROM {schema}{self.view.spell_table(self.plan.copy)} "
            f"{child} JOIN {schema}{self.view.spell_table(self.plan.parent)} {parent} "
            f"ON {self.link(child, parent)}) {alias}",
        )
