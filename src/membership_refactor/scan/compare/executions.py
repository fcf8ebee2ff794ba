"""Run the forms of one statement, and wrong forms beside the right one: which rows show them?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlglot import exp

from membership_refactor.scan.compare.results import Outcome, Result
from membership_refactor.scan.compare.scratch_schemas import (
    FIRST_NEW_ID,
    OLD,
    PLANS,
    TAKEN,
    Scratch,
    StatementFailed,
)
from membership_refactor.scan.compare.to_postgres import text_of
from membership_refactor.scan.compare.wrong_forms import Variant, branches_of, wrong_forms
from membership_refactor.sql.quoting import ident

Values = Mapping[str, str]
"""Parameter to a typed literal."""


class Executions:
    """Runs the forms of one statement."""

    def __init__(self, scratch: Scratch, old: Any) -> None:
        self.scratch, self.old = scratch, old
        self._own_id = scratch.spell(scratch.plan.last_id)
        writes = list(old.find_all(exp.Insert, exp.Update, exp.Delete))
        self.writes = bool(writes)
        # The tables that it writes and that are none of the plan's.
        targets = (node.this.find(exp.Table) for node in writes)
        self._foreign = sorted({t.name for t in targets if t and t.name in scratch.needs.foreign})
        self._texts: dict[tuple[int, tuple[tuple[str, str], ...]], tuple[Any, str]] = {}

    def outcome(self, form: str, plan: str, tree: Any, values: Values) -> Outcome:
        """The rows of a query, or the state that a write leaves. The write is undone."""
        text = self.text(tree, values)
        self.scratch.use(form, plan)
        if not self.writes:
            return Outcome((("", self._query(text)),))
        with self.scratch.undone():
            cursor = self.scratch.run(text)
            count, returned = cursor.rowcount, Result.fetched(cursor)
            left = tuple(self.left(form))
        own = returned.masked(self._own_id, FIRST_NEW_ID)
        return Outcome((("RETURNING", own), *left), count)

    def left(self, form: str) -> Iterator[tuple[str, Result]]:
        """Yield what the form holds now: each part with its name."""
        wide = self._query(self.scratch.old_shape(form))
        yield "the rows afterwards", wide.masked(self._own_id, FIRST_NEW_ID)
        for name in self._foreign:
            yield name, self._query(f"SELECT * FROM {ident(name)}")
        if (childless := self.scratch.childless(form)) is not None:
            yield "parents without children", self._query(childless)

    def text(self, tree: Any, values: Values) -> str:
        """The statement with these values."""
        key = (id(tree), tuple(values.items()))
        if key not in self._texts:
            self._texts[key] = tree, text_of(tree, values)  # the tree is kept, and so is its id
        return self._texts[key][1]

    def _query(self, text: str) -> Result:
        return Result.fetched(self.scratch.run(text))


_REFUSED = ("42", "0A", "55000")
"""Codes of statements that PostgreSQL does not take. They are no wrong forms."""
_TIMEOUT_MS = 150
_MOST = 90


class Run(NamedTuple):
    """What the old form showed on the loaded rows with some values of its parameters."""

    values: Values
    outcome: Outcome
    in_order: bool
    """Whether the order of its rows is decided."""


class WrongForms:
    """The wrong forms of one statement, and the branches that no row has taken yet."""

    def __init__(self, execution: Executions) -> None:
        self.scratch, self.execution, self.old = execution.scratch, execution, execution.old
        self.every = list(itertools.islice(wrong_forms(self.scratch, self.old), _MOST))
        self.alive = list(self.every)
        self.untaken = list(branches_of(self.old))

    def tell_apart(self, runs: Sequence[Run]) -> None:
        """Take away the wrong forms and branches that the loaded rows show."""
        if not runs or not (self.alive or self.untaken):
            return
        with self.scratch.undone():
            self.scratch.run(f"SET LOCAL statement_timeout = {_TIMEOUT_MS}")
            self.scratch.use(OLD)
            for run in runs:
                self.alive = self._at_once(run) if self.alive else []
            self.untaken = [branch for branch in self.untaken if not self._taken(branch, runs)]

    def _at_once(self, run: Run) -> list[Variant]:
        """The wrong forms that give the same rows, by one statement over all of them."""
        if self.execution.writes:
            return self._one_by_one(run)
        trees = [self.old, *(wrong.tree for wrong in self.alive)]
        order = "" if run.in_order else " ORDER BY t::text"
        parts = [
            f"(SELECT md5(string_agg(t::text, chr(10){order})) FROM "
            f"({self.execution.text(tree, run.values)}) t)"
            for tree in trees
        ]
        try:
            with self.scratch.undone():
                right, *others = self.scratch.run(f"SELECT {', '.join(parts)}").one()
        except StatementFailed:
            return self._one_by_one(run)
        return [wrong for wrong, other in zip(self.alive, others, strict=True) if other == right]

    def _one_by_one(self, run: Run) -> list[Variant]:
        left: list[Variant] = []
        for wrong in self.alive:
            found = self._tried(wrong, run)
            # An error is a difference, and so are too many rows to wait for.
            if isinstance(found, Outcome) and run.outcome.same_rows(found, in_order=run.in_order):
                left.append(wrong)
            elif isinstance(found, StatementFailed) and found.code.startswith(_REFUSED):
                self.every.remove(wrong)
        return left

    def _taken(self, branch: Variant, runs: Sequence[Run]) -> bool:
        found = (self._tried(branch, run) for run in runs)
        return any(isinstance(one, StatementFailed) and TAKEN in str(one) for one in found)

    def _tried(self, form: Variant, run: Run) -> Outcome | StatementFailed:
        """What the form gives on the loaded rows, or how it fails."""
        try:
            with self.scratch.undone():
                return self.execution.outcome(OLD, PLANS[0], form.tree, run.values)
        except StatementFailed as error:
            return error
