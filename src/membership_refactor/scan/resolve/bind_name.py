"""Bind one name of a statement to the source that has it, and record the binding."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from membership_refactor.consumers import Look
from membership_refactor.scan.resolve.bindings import (
    Binding,
    Frame,
    Kind,
    Remark,
    Resolution,
    Source,
    Span,
    StarUse,
)
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import Role


def span(node: Any, last: Any = None) -> Span | None:
    """The offsets in the text, up to the last node; None for a node that the parser made up."""
    start, end = node.meta.get("start"), (node if last is None else last).meta.get("end")
    return None if start is None or end is None else (start, end + 1)


Use = tuple[Any, Frame, str]
"""A name without a qualifier, its frame, and the clause in which it is used."""


class Names:
    """Looks names up in frames and records the result."""

    def __init__(self, view: View, found: Resolution) -> None:
        self.view, self.found = view, found

    def fold(self, identifier: Any) -> str:
        """The name in the form in which the dialect compares names."""
        return self.view.fold(identifier.name, quoted=bool(identifier.args.get("quoted")))

    def account(self, node: Any) -> Span | None:
        """Record that this word was understood; where it stands."""
        where = span(node) if node is not None else None
        if where is not None:
            self.found.accounted.add(where[0])
        return where

    def account_all(self, node: Any) -> None:
        """Record that every word below the node was understood."""
        for identifier in node.find_all(exp.Identifier):
            self.account(identifier)

    def remark(self, code: str, message: str, node: Any) -> None:
        where = span(node)
        self.found.remarks.append(Remark(code, message, where[0] if where else 0))

    def star(self, where: Span | None, source: Source, kind: Kind) -> None:
        """Record a star or whole row, if the source is a table of the plan."""
        if source.table is not None and where is not None:
            self.found.stars.append(StarUse(*where, source, kind))

    def column(self, node: Any, frame: Frame, clause: str) -> None:
        """Bind a Column node, qualified or not."""
        parts, name = node.parts, node.this
        if self.view.jpql and len(parts) > 1:
            self._path(parts, frame, clause)
        elif isinstance(name, exp.Star):
            self._qualified_star(node, parts, frame)
        elif isinstance(name, exp.Identifier) and len(parts) == 1:
            self.unqualified(name, frame, clause)
        elif isinstance(name, exp.Identifier):
            self._qualified(parts, frame, clause)

    def _qualified(self, parts: list[Any], frame: Frame, clause: str) -> None:
        identifier, qualifier = parts[-1], parts[-2]
        found = frame.named(self.fold(qualifier))
        if found is None:
            if len(parts) > 2 and frame.named(self.fold(parts[0])) is not None:
                self.account(identifier)
            else:
                self._nowhere(identifier, f"{qualifier.name}.{identifier.name}")
            return
        self.account(qualifier)
        around = span(parts[0], qualifier)
        self.bind(found[0], identifier, frame, clause, qualifier=around, depth=found[1])

    def _path(self, parts: list[Any], frame: Frame, clause: str) -> None:
        """Bind a path of JPQL, such as ``w.person.id``."""
        found = frame.named(self.fold(parts[0]))
        if found is None:
            self.unqualified(parts[0], frame, clause)
            return
        source, depth = found
        if isinstance(parts[1], exp.Star):
            return
        for part in parts:
            self.account(part)
        through = source.table.columns.get(self.fold(parts[1])) if source.table else None
        if through and through[0] == self.view.structure.plan.link and len(parts) > 2:
            parent = self.view.parent
            if parent is not None and self.fold(parts[2]) in parent.columns:
                return  # a column that the parent keeps
        self.bind(source, parts[1], frame, clause, depth=depth, qualifier=span(parts[0]))

    def unqualified(self, identifier: Any, frame: Frame, clause: str) -> None:
        """Bind a bare name. The innermost frame that has it wins, as in the database."""
        name, use = self.fold(identifier), (identifier, frame, clause)
        lost: list[tuple[Source, int]] = []
        beyond: list[str] = []
        unknown: list[Source] = []
        for depth, at in enumerate(frame.outward()):
            having = [s for s in at.visible if s.has(name)]
            if having:
                why = "the name now means a column of another table"
                self._lost(lost, use, to=having[0].name, why=why)
                self._among(having, use, depth=depth, unknown=bool(unknown))
                return
            open_ = [s for s in at.visible if s.has(name) is None]
            unknown = unknown or open_
            # Beside a table that had the name no other can have it: it was no error.
            beyond += [s.name for s in open_] if lost else []
            lost += [(s, depth) for s in at.visible if s.had(name)]
        other = " or ".join(beyond)
        if lost and other:
            to, why = f"{other} if that has such a column", f"it may now mean a column of {other}"
            self._lost(lost, use, to=to, why=why)
        elif lost:
            self._lost(lost, use)
        elif self._whole_row(identifier, name, frame):
            return
        elif not unknown:
            self.found.nowhere.add(name)
            self._nowhere(identifier, identifier.name)
        elif (where := span(identifier)) is not None:
            self.account(identifier)
            self.found.loose.append((where[0], name, unknown))

    def _lost(
        self, lost: list[tuple[Source, int]], use: Use, *, to: str = "", why: str = ""
    ) -> None:
        """Bind the name to the sources that had it, and say what it means without them."""
        name = use[0].name
        for source, depth in lost:
            if to:
                message = f"{name} was a column of {source.name}. Without it the name means a "
                self.remark("rebinds", f"{message}column of {to}, and no error is raised", use[0])
            self.bind(source, *use, depth=depth, why=why)

    def _among(self, having: list[Source], use: Use, *, depth: int, unknown: bool) -> None:
        """Bind the name to the sources of one frame that have it."""
        why = ""
        if len(having) > 1 and sum(source.merged for source in having) < 2:
            why = "more than one table has a column of this name"
            tables = ", ".join(source.name for source in having)
            self.remark(Look.AMBIGUOUS, f"{use[0].name} is a column of {tables}", use[0])
        elif unknown:
            why = "another table, whose columns are not known, comes first"
        for source in having:
            self.bind(source, *use, depth=depth, why=why)

    def bind(
        self, source: Source, identifier: Any, frame: Frame, clause: str, *, why: str = "",
        qualifier: Span | None = None, depth: int = 0,
    ) -> None:  # fmt: skip
        """Record that the name means a column of the source."""
        where = span(identifier)
        if where is None:
            return
        if source.doubtful:
            why = why or "the schema of the table is not declared"
        name = self.fold(identifier)
        column, standing = source.meaning(name)
        if clause == "set" and source.role in (Role.SOURCE, Role.COPY):
            standing = self.view.structure.assigned(column, standing)
        self.found.accounted.add(where[0])
        binding = Binding(
            *where, name, identifier.name, source, column, standing, clause,
            why=why, qualifier=qualifier, depth=depth, query=frame.query,
        )  # fmt: skip
        self.found.bindings.append(binding)

    def _qualified_star(self, node: Any, parts: list[Any], frame: Frame) -> None:
        source = frame.source(self.fold(parts[-2]))
        if source is not None:
            self.account(parts[-2])
            kind = Kind.WHOLE_ROW if isinstance(node.parent, exp.Func) else Kind.STAR
            self.star(span(parts[0], parts[-1]), source, kind)

    def _whole_row(self, identifier: Any, name: str, frame: Frame) -> bool:
        """Whether the name is that of a source, which means its whole row."""
        source = frame.source(name)
        if source is None or self.view.dialect == "mysql":
            return False
        where = self.account(identifier)
        if source.table is not None and self.view.jpql:
            self.remark("entity", f"{identifier.name} is the whole entity", identifier)
        else:
            self.star(where, source, Kind.WHOLE_ROW)
        return True

    def _nowhere(self, identifier: Any, written: str) -> None:
        if identifier.name.lower() in self.view.searched_words:
            self.remark("text", f"no table of the statement has {written}", identifier)
