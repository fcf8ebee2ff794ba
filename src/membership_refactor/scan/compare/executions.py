"""Runs: one statement executed in a form of the structure, and what it showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.needs import Needs
from membership_refactor.scan.compare.results import Result
from membership_refactor.scan.compare.scratch_schemas import OLD, Scratch
from membership_refactor.scan.compare.to_postgres import text_of
from membership_refactor.sql.quoting import ident


class Runs:
    """Runs the forms of one statement, and remembers whether there was anything to see."""

    def __init__(self, scratch: Scratch, old: Any, needs: Needs) -> None:
        self.scratch, self.old, self.needs = scratch, old, needs
        self.rows = 0
        self.seen = self.foreign_target = False
        self.writes = isinstance(old, (exp.Insert, exp.Update, exp.Delete))
        self.inserts = isinstance(old, exp.Insert)
        self._texts: dict[tuple[int, tuple[tuple[str, str], ...]], str] = {}
        self._kept: list[Any] = []

    def result(self, form: str, tree: Any, values: Mapping[str, str]) -> Result:
        """The rows of a query, or the state that a write leaves; the write is undone."""
        text = self._text(tree, values)
        self.scratch.use(form)
        if not self.writes:
            return self._query(text)
        with self.scratch.undone():
            shape = self._shape(form)
            before = self._query(shape, own=False)
            self.scratch.run(text)
            after = self._query(shape, own=False)
            if form == OLD and set(before.rows) != set(after.rows):
                self.seen = True
                self.rows += len(set(before.rows) ^ set(after.rows))
            if self.inserts and not self.foreign_target:
                at = self.scratch.wide.index(self.scratch.plan.id)
                rows = tuple((*row[:at], None, *row[at + 1 :]) for row in after.rows)
                return Result(after.names, after.types, rows)
            return after

    def _text(self, tree: Any, values: Mapping[str, str]) -> str:
        key = (id(tree), tuple(values.items()))
        if key not in self._texts:
            self._texts[key] = text_of(tree, values)
            self._kept.append(tree)  # so that its id stays its own
        return self._texts[key]

    def _shape(self, form: str) -> str:
        """What a write leaves: the wide table's rows, or those of the table that it writes."""
        target = self.old.this
        target = target.this if isinstance(target, exp.Schema) else target
        if isinstance(target, exp.Table) and target.name in self.needs.foreign:
            self.foreign_target = True
            return f"SELECT * FROM {ident(target.name)}"
        return self.scratch.old_shape(form)

    def _query(self, text: str, *, own: bool = True) -> Result:
        cursor = self.scratch.run(text)
        description = cursor.cursor.description or ()
        rows = tuple(tuple(row) for row in cursor.fetchall())
        result = Result(
            tuple(column[0] for column in description),
            tuple(column[1] for column in description),
            rows,
        )
        if own:
            self.rows += len(rows)
            self.seen = self.seen or result.informative
        return result
