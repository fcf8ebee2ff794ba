"""Run wrong forms beside the right one, and those that fail where a branch is taken."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from membership_refactor.scan.compare.results import Outcome, StatementFailed
from membership_refactor.scan.compare.scratch_schemas import Scratch
from membership_refactor.scan.compare.to_postgres import with_values
from membership_refactor.scan.compare.wrong_forms import TAKEN, Variant, branches_of, wrong_forms

Values = Mapping[str, str]
"""Parameter to a typed literal."""
_REFUSED = ("42", "0A", "55000")
"""Codes of statements that PostgreSQL does not take. They are no wrong forms."""
_TIMEOUT_MS = 150
_MOST = 90


class Run(NamedTuple):
    """What the old form showed on the loaded rows with some values of the parameters."""

    values: Values
    old: str
    """The text of the old form with these values, and of the new one."""
    new: str
    outcome: Outcome
    in_order: bool
    """Whether the order of its rows is decided."""


class WrongForms:
    """The wrong forms of one statement, and the branches that no row has taken yet."""

    def __init__(self, scratch: Scratch, old: Any) -> None:
        self.scratch = scratch
        self.every = list(itertools.islice(wrong_forms(scratch, old), _MOST))
        self.alive = list(self.every)
        self.untaken = list(branches_of(old))

    def tell_apart(self, runs: Sequence[Run]) -> None:
        """Take away the wrong forms and branches that the loaded rows show."""
        if not runs or not (self.alive or self.untaken):
            return
        with self.scratch.undone():
            self.scratch.run(f"SET LOCAL statement_timeout = {_TIMEOUT_MS}")
            self.scratch.use()
            for run in runs:
                self.alive = self._at_once(run) if self.alive else []
            self.untaken = [branch for branch in self.untaken if not self._taken(branch, runs)]

    def _at_once(self, run: Run) -> list[Variant]:
        """The wrong forms that give the same rows, by one statement over all of them."""
        if self.scratch.needs.writes:
            return self._one_by_one(run)
        order = "" if run.in_order else " ORDER BY t::text"
        parts = [
            f"(SELECT md5(string_agg(t::text, chr(10){order})) FROM ({text}) t)"
            for text in (run.old, *(with_values(wrong.text, run.values) for wrong in self.alive))
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
                return self.scratch.outcome(with_values(form.text, run.values))
        except StatementFailed as error:
            return error
