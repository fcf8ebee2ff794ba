"""Execute one statement in a form of the structure, and keep what it showed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.needs import Needs
from membership_refactor.scan.compare.results import Outcome, Result
from membership_refactor.scan.compare.scratch_schemas import FIRST_NEW_ID, OLD, Scratch
from membership_refactor.scan.compare.to_postgres import text_of
from membership_refactor.sql.quoting import ident


class Executions:
    """Runs the forms of one statement."""

    def __init__(self, scratch: Scratch, old: Any, needs: Needs) -> None:
        self.scratch = scratch
        writes = list(old.find_all(exp.Insert, exp.Update, exp.Delete))
        self.writes = bool(writes)
        targets = [node.this.this if isinstance(node.this, exp.Schema) else node.this
                   for node in writes]  # fmt: skip
        self._foreign = sorted({
            node.name for node in targets
            if isinstance(node, exp.Table) and node.name in needs.foreign
        })  # fmt: skip
        """The tables that it writes and that are none of the plan's."""
        self._texts: dict[tuple[int, tuple[tuple[str, str], ...]], str] = {}
        self._kept: list[Any] = []

    def outcome(self, form: str, plan: str, tree: Any, values: Mapping[str, str]) -> Outcome:
        """The rows of a query, or the state that a write leaves. The write is undone."""
        text = self.text(tree, values)
        self.scratch.use(form, plan)
        if not self.writes:
            return Outcome(self._query(text))
        with self.scratch.undone():
            cursor = self.scratch.run(text)
            count, returned = cursor.rowcount, Result.fetched(cursor)
            left = tuple(self._left(form))
        own_id = self.scratch.spell(self.scratch.plan.last_id)
        return Outcome(returned.masked(own_id, FIRST_NEW_ID), left, count)

    def untouched(self) -> Outcome:
        """What a statement that changes nothing would leave."""
        self.scratch.use(OLD)
        return Outcome(Result((), (), ()), tuple(self._left(OLD)))

    def _left(self, form: str) -> Iterator[tuple[str, Result]]:
        own_id = self.scratch.spell(self.scratch.plan.last_id)
        wide = self._query(self.scratch.old_shape(form))
        yield "the rows afterwards", wide.masked(own_id, FIRST_NEW_ID)
        for name in self._foreign:
            yield name, self._query(f"SELECT * FROM {ident(name)}")
        childless = self.scratch.childless(form)
        if childless is not None:
            yield "parents without children", self._query(childless)

    def text(self, tree: Any, values: Mapping[str, str]) -> str:
        """The statement with these values."""
        key = (id(tree), tuple(values.items()))
        if key not in self._texts:
            self._texts[key] = text_of(tree, values)
            self._kept.append(tree)  # so that its id stays its own
        return self._texts[key]

    def _query(self, text: str) -> Result:
        return Result.fetched(self.scratch.run(text))
