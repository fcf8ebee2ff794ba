"""Rewrite a table that a statement reads: by a join, by a subquery, or by its new name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlglot import exp

from membership_refactor.portrait import Portrait
from membership_refactor.scan.parse.piece import Edit
from membership_refactor.scan.resolve.analyse import Analysed
from membership_refactor.scan.resolve.bindings import Binding, Kind, Source
from membership_refactor.scan.resolve.tables_as_spelled import WORDS
from membership_refactor.scan.resolve.tables_at_stage import GOING, parent_columns, wide_columns


class NotMechanical(Exception):
    """Raised where a person has to rewrite the statement. The message says why."""


def refuse(holds: object, why: str) -> None:
    """Raise NotMechanical with the reason, if it holds."""
    if holds:
        raise NotMechanical(why)


class Pair(NamedTuple):
    """Child and parent as they are written in FROM, and the names that qualify their columns."""

    child_text: str
    child: str
    parent_text: str
    parent: str
    link: str
    """The condition that joins the two."""


@dataclass
class Reads:
    """Writes the edits for the tables that a statement reads."""

    analysed: Analysed
    portrait: Portrait | None = None
    forms: list[str] = field(default_factory=list)
    changed_before: bool = False
    """Whether sources beside the target were rewritten."""

    def __post_init__(self) -> None:
        self.sql, self.view = self.analysed.filled.sql, self.analysed.view
        self.text, self.resolution = self.sql.text, self.analysed.resolution
        self.plan = self.view.structure.plan
        self._taken = {word.lower() for word in WORDS.findall(self.text)}

    def name(self, wanted: str) -> str:
        """Make an alias that occurs nowhere in the statement."""
        candidates = itertools.chain([wanted], (f"{wanted}{n}" for n in itertools.count(2)))
        chosen = next(one for one in candidates if one.lower() not in self._taken)
        self._taken.add(chosen.lower())
        return chosen

    def edits(self, source: Source, *, derived: bool) -> Iterator[Edit]:
        """Yield the edits of a source. ``derived`` asks for a subquery where a join would do."""
        assert source.table is not None
        archive = f"{source.table.table.name} is the archive, which step drop_retired_table drops"
        refuse(not source.wide, archive)
        refuse(not source.span[1], "the place of the table in the text is not known")
        bindings = self.resolution.of(source)
        going = [b for b in bindings if b.standing in GOING]
        stars = [star for star in self.resolution.stars if star.source is source]
        must = bool(
            stars
            or source.renames
            or source.composite
            or any(hole.free for hole in self.analysed.filled.holes)
            or self.analysed.filled.macros
            or (source.merged and going)
            or any(b.why for b in bindings)
        )
        if not (must or going) or not self.plan.parent:
            yield from self.renamed(source, bindings)
            return
        hint = "a hint, sample or partition at the table does not fit a join of two tables"
        refuse(source.hinted, hint)
        if not (must or derived):
            yield from self._joined(source, bindings)
            return
        bare = any(s.kind is Kind.STAR and self.text[s.end - 1] != "*" for s in stars)
        refuse(bare, "it reads the table without a SELECT: write SELECT")
        shown = [s for s in stars if not _only_asks(self.resolution.nodes.get(s.start))]
        unlisted = (shown or source.renames) and self._listed(source) is None
        refuse(
            unlisted,
            "a star or a whole row needs the table's own columns in their order: scan with "
            "--catalog, or list them under [tables] in the file of consumers",
        )
        yield self._derived(source)

    def renamed(
        self, source: Source, bindings: Sequence[Binding], name: str = ""
    ) -> Iterator[Edit]:
        """Give the table another name, the child's where no other is given. Only columns of that
        table are used."""
        assert source.table is not None
        name = name or self.plan.child
        if source.table.table.name == name:
            return
        new = self.view.spell_table(name)
        self.forms += ["rename"] if name == self.plan.child else []
        yield Edit(*source.table_span, new)
        for start, end in (b.qualifier for b in bindings if b.qualifier and source.alias is None):
            # Of schema.table.column, the schema stays.
            yield Edit(max(start, self.text.rfind(".", start, end) + 1), end, new)

    def pair(self, source: Source) -> Pair:
        """Choose how child and parent are written in the place of the source."""
        child_text, parent_text = self.tables(source)
        child_name = child = self.view.spell_table(self.plan.child)
        if source.alias is not None:
            bare = source.alias.replace("_", "a").isalnum()
            child_name = source.alias if bare else self.view.quoted(source.alias)
        elif source.table is None or source.table.table.name != self.plan.child:
            plain = child.strip('"`')
            free = self.name(plain)
            child_name = child if free == plain else free
        if child_name != child or source.alias is not None:
            child_text += f" {child_name}"
        short = child_name.strip('"`')
        parent_name = self.name(f"{short}_pm" if len(short) < 12 else f"{short}_parent")
        link = self._link(child_name, parent_name)
        return Pair(child_text, child_name, f"{parent_text} {parent_name}", parent_name, link)

    def tables(self, source: Source) -> tuple[str, str]:
        """Child and parent with the schema that is written before the table."""
        schema, spelled = self.text[source.span[0] : source.table_span[0]], self.view.spell_table
        return schema + spelled(self.plan.child), schema + spelled(self.plan.parent)

    def _link(self, child: str, parent: str) -> str:
        uuid = self.view.spell_column(self.plan.parent_id)
        return f"{parent}.{uuid} = {child}.{self.view.spell_column(self.plan.link)}"

    def _joined(self, source: Source, bindings: Sequence[Binding]) -> Iterator[Edit]:
        pair = self.pair(source)
        self.forms.append("join")
        yield Edit(*source.span, f"({pair.child_text} JOIN {pair.parent_text} ON {pair.link})")
        yield from self.qualified(bindings, pair)
        yield from self._grouped(bindings, pair.parent)
        yield from self._neighbours(source)

    def qualified(self, bindings: Sequence[Binding], pair: Pair) -> Iterator[Edit]:
        """Give every column the alias of the table that has it from now on."""
        for binding in bindings:
            if binding.clause in ("using", "natural", "whole row"):
                continue
            qualifier = pair.parent if binding.standing in GOING else pair.child
            start = binding.qualifier[0] if binding.qualifier else binding.start
            written = self.text[start : binding.start].rstrip().rstrip(".").rstrip()
            if written.lower() != qualifier.lower():
                yield Edit(start, binding.start, f"{qualifier}.")

    def _grouped(self, bindings: Sequence[Binding], parent: str) -> Iterator[Edit]:
        """GROUP BY the child's key allowed every column. Now the parent's key is needed too."""
        grouped = [b for b in bindings if b.clause == "group"]
        ids = [b for b in grouped if b.column in self.plan.ids]
        columns = {b.column for b in grouped}
        if columns >= {*self.plan.ids} and any(
            b.standing in GOING
            and b.column not in columns
            and b.clause in ("select", "having", "order")
            and not _in_aggregate(self.resolution.nodes.get(b.start))
            for b in bindings
        ):
            uuid = self.view.spell_column(self.plan.parent_id)
            yield Edit(ids[0].end, ids[0].end, f", {parent}.{uuid}")

    def _neighbours(self, source: Source) -> Iterator[Edit]:
        """Qualify columns of other tables that child or parent have too."""
        own = (*parent_columns(self.plan), self.plan.link)
        names = {self.view.names.column(name).lower() for name in own}
        queries = {b.query for b in self.resolution.of(source)}
        for binding in self.resolution.bindings:
            other = binding.source
            bare = binding.qualifier is None and binding.name in names and binding.query in queries
            here = bare and binding.clause not in ("using", "natural", "set", "insert")
            if other.table is None and other.name and here:
                yield Edit(binding.start, binding.start, f"{other.alias or other.name}.")

    def _listed(self, source: Source) -> Sequence[str] | None:
        """The wide table's columns in order, as the database or the consumer lists them."""
        if self.portrait is not None:
            return wide_columns(self.plan, portrait=self.portrait)
        given = self.view.consumer.tables.get(source.base)
        if given is None or source.table is None:
            return None
        known = source.table.columns
        listed = (known.get(word.lower(), (word, None))[0] for word in given)
        return tuple(name for name in listed if name != self.plan.link)

    def _derived(self, source: Source) -> Edit:
        """A subquery of the old shape under the old name. No column has to be touched."""
        assert source.table is not None
        self.forms.append("derived")
        view, plan = self.view, self.plan
        child, parent = self.name("c_"), self.name("p_")
        deprecated = set(plan.deprecated)
        columns = [
            f"{parent if name in deprecated else child}.{view.spell_column(name)}"
            for name in self._listed(source) or wide_columns(plan)
        ]
        if plan.link in source.table.table.present:
            columns.append(f"{child}.{view.spell_column(plan.link)}")
        own, (child_text, parent_text) = source.table_span, self.tables(source)
        alias = self.text[own[1] : source.span[1]].strip() or self.text[slice(*own)]
        return Edit(
            *source.span,
            f"(SELECT {', '.join(columns)} FROM {child_text} {child} JOIN {parent_text} {parent} "
            f"ON {self._link(child, parent)}) {alias}",
        )


def _only_asks(node: Any) -> bool:
    """Whether the star, or whole row, stands in EXISTS, which reads no column."""
    while node is not None and not isinstance(node.parent, exp.Query):
        node = node.parent
    shown = node is not None and node.arg_key == "expressions"
    return shown and node.parent.key == "select" and isinstance(node.parent.parent, exp.Exists)


def _in_aggregate(identifier: Any) -> bool:
    """Whether the name is the argument of an aggregate of its own query."""
    found = identifier.find_ancestor(exp.AggFunc, exp.Select) if identifier is not None else None
    return isinstance(found, exp.AggFunc)
