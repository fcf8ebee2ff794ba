"""Execute one statement in a form of the structure, and keep what it showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.needs import Needs
from membership_refactor.scan.compare.results import Result
from membership_refactor.scan.compare.scratch_schemas import OLD, Scratch
from membership_refactor.scan.compare.to_postgres import text_of
from membership_refactor.sql.quoting import ident


class Executions:
    """Runs the forms of one statement, and remembers whether there was anything to see."""

    def __init__(self, scratch: Scratch, old: Any, needs: Needs) -> None:
        self.scratch, self.old = scratch, old
        self.rows = 0
        self.seen = False
        self.writes = isinstance(old, (exp.Insert, exp.Update, exp.Delete))
        self.inserts = isinstance(old, exp.Insert)
        target = old.this.this if isinstance(old.this, exp.Schema) else old.this
        foreign = isinstance(target, exp.Table) and target.name in needs.foreign
        self._foreign = target.name if self.writes and foreign else ""
        """The table that it writes, where that is none of the plan's."""
        self._texts: dict[tuple[int, tuple[tuple[str, str], ...]], str] = {}
        self._kept: list[Any] = []

    def result(self, form: str, tree: Any, values: Mapping[str, str]) -> Result:
        """The rows of a query, or the state that a write leaves. The write is undone."""
        text = self._text(tree, values)
        self.scratch.use(form)
        if not self.writes:
            result = self._query(text)
            self.rows += len(result.rows)
            self.seen = self.seen or result.informative
            return result
        with self.scratch.undone():
            foreign = f"SELECT * FROM {ident(self._foreign)}"
            shape = foreign if self._foreign else self.scratch.old_shape(form)
            before = self._query(shape)
            self.scratch.run(text)
            after = self._query(shape)
            if form == OLD and set(before.rows) != set(after.rows):
                self.seen = True
                self.rows += len(set(before.rows) ^ set(after.rows))
            if self.inserts and not self._foreign:
                at = list(self.scratch.needs.wide).index(self.scratch.plan.id)
                rows = tuple((*row[:at], None, *row[at + 1 :]) for row in after.rows)
                return Result(after.names, after.types, rows)
            return after

    def _text(self, tree: Any, values: Mapping[str, str]) -> str:
        key = (id(tree), tuple(values.items()))
        if key not in self._texts:
            self._texts[key] = text_of(tree, values)
            self._kept.append(tree)  # so that its id stays its own
        return self._texts[key]

    def _query(self, text: str) -> Result:
        return Result.fetched(self.scratch.run(text))
