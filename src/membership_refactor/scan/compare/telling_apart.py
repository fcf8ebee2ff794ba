"""Run wrong forms beside the right one, and keep those that no rows tell apart."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from membership_refactor.planning import TableSplit
from membership_refactor.scan.compare.access_paths import PLANS
from membership_refactor.scan.compare.branches import MARK, Branch, branches_of, create_mark
from membership_refactor.scan.compare.executions import Executions
from membership_refactor.scan.compare.parameters import Values
from membership_refactor.scan.compare.results import Outcome
from membership_refactor.scan.compare.scratch_schemas import OLD, Scratch, StatementFailed
from membership_refactor.scan.compare.wrong_forms import WrongForm, wrong_forms
from membership_refactor.scan.compare.wrong_links import wrong_links

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

    def __init__(self, scratch: Scratch, execution: Executions, old: Any, plan: TableSplit) -> None:
        self.scratch, self.execution, self.old = scratch, execution, old
        create_mark(scratch)
        made = [*wrong_links(scratch, old), *wrong_forms(old, plan, scratch.names, scratch.needs)]
        self.every = made[:_MOST]
        self.alive = list(self.every)
        self.untaken = list(branches_of(old))

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

    def _at_once(self, run: Run) -> list[WrongForm]:
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

    def _one_by_one(self, run: Run) -> list[WrongForm]:
        left: list[WrongForm] = []
        todo = list(self.alive)
        while todo:
            # An error ends the statements up to the savepoint, and the rest goes on behind it.
            with contextlib.suppress(StatementFailed), self.scratch.undone():
                while todo:
                    wrong = todo.pop(0)
                    if self._same(wrong, run):
                        left.append(wrong)
        return left

    def _same(self, wrong: WrongForm, run: Run) -> bool:
        try:
            other = self.execution.outcome(OLD, PLANS[0], wrong.tree, run.values)
        except StatementFailed as error:
            if error.code.startswith(_REFUSED):
                self.every.remove(wrong)
            # Another error is a difference, and so are too many rows to wait for.
            raise
        return run.outcome.same_rows(other, in_order=run.in_order)

    def _taken(self, branch: Branch, runs: Sequence[Run]) -> bool:
        for run in runs:
            try:
                with self.scratch.undone():
                    self.execution.outcome(OLD, PLANS[0], branch.tree, run.values)
            except StatementFailed as error:
                if MARK in str(error):
                    return True
        return False
