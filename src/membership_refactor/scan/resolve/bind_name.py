"""Binding: one name of a statement looked up in the frames around it."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from membership_refactor.scan.findings.values import Kind
from membership_refactor.scan.resolve.bindings import (
    Binding,
    Frame,
    Remark,
    Resolution,
    Source,
    Span,
    StarUse,
)
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import Standing


def span(node: Any) -> Span | None:
    """The node's offsets in the text; None for what the parser made up."""
    start, end = node.meta.get("start"), node.meta.get("end")
    return None if start is None or end is None else (start, end + 1)


class Names:
    """Binds names, and records what each was bound to."""

    def __init__(self, view: View, resolution: Resolution) -> None:
        self.view = view
        self.found = resolution

    def fold(self, identifier: Any) -> str:
        return self.view.fold(identifier.name, quoted=bool(identifier.args.get("quoted")))

    def account(self, node: Any) -> None:
        where = span(node) if node is not None else None
        if where is not None:
            self.found.accounted.add(where[0])

    def remark(self, code: str, message: str, node: Any) -> None:
        where = span(node)
        self.found.remarks.append(Remark(code, message, where[0] if where else 0))

    def column(
        self, node: Any, frame: Frame, clause: str, *, kind: Kind = Kind.READ
    ) -> Source | None:
        """Binds a Column node; the source it was bound to, if one is sure."""
        parts = [node.args[key] for key in ("catalog", "db", "table", "this") if node.args.get(key)]
        if self.view.jpql and len(parts) > 1:
            return self._path(parts, frame, clause, kind)
        if isinstance(parts[-1], exp.Star):
            self._qualified_star(node, parts, frame)
            return None
        if not isinstance(parts[-1], exp.Identifier):
            return None
        if len(parts) == 1:
            return self.unqualified(parts[0], frame, clause, kind=kind)
        return self._qualified(parts, frame, clause, kind)

    def source_named(self, name: str, frame: Frame | None) -> tuple[Source, int] | None:
        depth = 0
        while frame is not None:
            for source in frame.sources:
                if source.name == name:
                    return source, depth
            frame, depth = frame.outer, depth + 1
        return None

    def _qualified(self, parts: list[Any], frame: Frame, clause: str, kind: Kind) -> Source | None:
        identifier, qualifier = parts[-1], parts[-2]
        found = self.source_named(self.fold(qualifier), frame)
        if found is None:
            inner = self.source_named(self.fold(parts[0]), frame) if len(parts) > 2 else None
            if inner is None:
                self._nowhere(identifier, f"{qualifier.name}.{identifier.name}")
            else:
                self.account(identifier)
            return None
        source, depth = found
        self.account(qualifier)
        first, last = span(parts[0]), span(qualifier)
        around = (first[0], last[1]) if first and last else None
        self.bind(
            source, identifier, clause, kind=kind, qualifier=around, depth=depth, query=frame.query
        )
        return source

    def _path(self, parts: list[Any], frame: Frame, clause: str, kind: Kind) -> Source | None:
        found = self.source_named(self.fold(parts[0]), frame)
        if found is None:
            return self.unqualified(parts[0], frame, clause, kind=kind)
        source, depth = found
        if isinstance(parts[1], exp.Star):
            return None
        for part in parts:
            self.account(part)
        link = self.view.structure.plan.link
        through = source.table.columns.get(self.fold(parts[1])) if source.table else None
        if through and through[0] == link and len(parts) > 2:
            parent = self.view.tables.get(
                self.view.names.table(self.view.structure.plan.parent).lower()
            )
            if parent is not None and parent.columns.get(self.fold(parts[2])) is not None:
                return source  # a live column of the parent
        self.bind(
            source,
            parts[1],
            clause,
            kind=kind,
            depth=depth,
            query=frame.query,
            qualifier=span(parts[0]),
        )
        return source

    def unqualified(
        self, identifier: Any, frame: Frame, clause: str, *, kind: Kind = Kind.READ
    ) -> Source | None:
        """Innermost frame first; within a frame every source that has the name is a candidate."""
        name = self.fold(identifier)
        lost: list[tuple[Source, int]] = []
        unknown = False
        beyond: list[str] = []
        at: Frame | None = frame
        depth = 0
        while at is not None:
            here = [s for s in at.sources if not s.qualified_only]
            having = [s for s in here if s.has(name)]
            if having:
                return self._among(
                    having,
                    lost,
                    identifier,
                    clause,
                    kind=kind,
                    depth=depth,
                    frame=frame,
                    unknown=unknown,
                )
            for source in here:
                if source.has(name) is None:
                    unknown = True
                    # Beside a table that had the name no other can have it: it was no error.
                    beyond += [source.name] if lost else []
            lost += [(s, depth) for s in here if s.had(name)]
            at, depth = at.outer, depth + 1
        for source, level in lost:
            why = f"may bind to {' or '.join(beyond)} now" if beyond else ""
            if beyond:
                self.remark(
                    "rebinds",
                    f"{identifier.name} was a column of {source.name}; without it the name binds "
                    f"to {' or '.join(beyond)} if that has such a column, without any error",
                    identifier,
                )
            self.bind(
                source, identifier, clause, kind=kind, depth=level, why=why, query=frame.query
            )
        if lost:
            return lost[0][0]
        if self._whole_row(identifier, name, frame, clause):
            return None
        if unknown:
            self.account(identifier)
            self._loose(identifier, name, frame)
        else:
            self.found.nowhere.add(name)
            self._nowhere(identifier, identifier.name)
        return None

    def _loose(self, identifier: Any, name: str, frame: Frame) -> None:
        where = span(identifier)
        at: Frame | None = frame
        while at is not None and where is not None:
            open_ = [s for s in at.sources if not s.qualified_only and s.has(name) is None]
            if open_:
                self.found.loose.append((where[0], name, open_))
                return
            at = at.outer

    def _among(
        self,
        having: list[Source],
        lost: list[tuple[Source, int]],
        identifier: Any,
        clause: str,
        *,
        kind: Kind,
        depth: int,
        frame: Frame,
        unknown: bool,
    ) -> Source | None:
        merged = sum(source.merged for source in having) > 1
        why = ""
        if len(having) > 1 and not merged:
            why = "more than one table has this name"
            tables = ", ".join(source.name for source in having)
            self.remark("ambiguous", f"{identifier.name} is in {tables}", identifier)
        elif unknown:
            why = "a table of unknown columns stands nearer"
        for source, level in lost:
            self.remark(
                "rebinds",
                f"{identifier.name} was a column of {source.name}; without it the name binds "
                f"to {having[0].name}, without any error",
                identifier,
            )
            self.bind(
                source,
                identifier,
                clause,
                kind=kind,
                depth=level,
                query=frame.query,
                why="now bound to an outer or neighbouring table",
            )
        for source in having:
            self.bind(
                source, identifier, clause, kind=kind, depth=depth, why=why, query=frame.query
            )
        return having[0] if len(having) == 1 else None

    def bind(
        self,
        source: Source,
        identifier: Any,
        clause: str,
        *,
        kind: Kind = Kind.READ,
        why: str = "",
        qualifier: Span | None = None,
        depth: int = 0,
        query: int = 0,
    ) -> None:
        where = span(identifier)
        if where is None:
            return
        if source.doubtful:
            why = why or "of a table whose schema was not declared"
        name = self.fold(identifier)
        column: str | None = None
        standing: Standing | None = None
        through = False
        if source.table is not None and not source.renames:
            known = source.table.columns.get(name)
            column, standing = known if known else (None, None)
        else:
            column = source.outputs.columns.get(name)
            through = column is not None
            if source.renames and source.table is not None and column is not None:
                standing = source.table.table.standing(column)
        self.found.accounted.add(where[0])
        self.found.bindings.append(
            Binding(
                *where,
                name,
                source,
                column,
                standing,
                kind,
                clause,
                not why,
                why,
                qualifier,
                depth,
                query,
                through,
                identifier.name,
            )
        )

    def _qualified_star(self, node: Any, parts: list[Any], frame: Frame) -> None:
        found = self.source_named(self.fold(parts[-2]), frame)
        if found is None:
            return
        self.account(parts[-2])
        first, last = span(parts[0]), span(parts[-1])
        if found[0].table is not None and first and last:
            whole = isinstance(node.parent, exp.Func)
            kind = Kind.WHOLE_ROW if whole else Kind.STAR
            self.found.stars.append(StarUse(first[0], last[1], found[0], kind, True))

    def _whole_row(self, identifier: Any, name: str, frame: Frame, clause: str) -> bool:
        found = self.source_named(name, frame)
        if found is None or self.view.dialect == "mysql":
            return False
        self.account(identifier)
        where = span(identifier)
        if found[0].table is not None and where is not None:
            if self.view.jpql:
                self.remark("entity", f"{identifier.name} is the whole entity", identifier)
            else:
                use = StarUse(*where, found[0], Kind.WHOLE_ROW, True)
                self.found.stars.append(use)
        return True

    def _nowhere(self, identifier: Any, written: str) -> None:
        if identifier.name.lower() in self.view.searched_words:
            self.remark("unresolved", f"{written} belongs to no table of the statement", identifier)
