"""Run the forms of one statement, and wrong forms beside the right one: which rows show them?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlglot import exp

from membership_refactor.planning import TableSplit
from membership_refactor.scan.compare.needs import Needs
from membership_refactor.scan.compare.results import Outcome, Result
from membership_refactor.scan.compare.scratch_schemas import (
    FIRST_NEW_ID,
    OLD,
    PLANS,
    Scratch,
    StatementFailed,
)
from membership_refactor.scan.compare.to_postgres import Values, text_of
from membership_refactor.scan.compare.wrong_forms import Variant, changed, wrong_forms, wrong_links
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
        if (childless := self.scratch.childless(form)) is not None:
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


TAKEN = "mr_branch_taken"
"""The function that raises an error with its own name when it is called."""


def create_mark(scratch: Scratch) -> None:
    """Create the function where every form finds it."""
    for others in ("others", "others_reversed"):
        scratch.run(
            f"CREATE FUNCTION {ident(scratch.schema(others))}.{TAKEN}() RETURNS boolean "
            f"LANGUAGE plpgsql VOLATILE AS $$ BEGIN RAISE EXCEPTION '{TAKEN}'; END $$"
        )


def branches_of(tree: Any) -> Iterator[Variant]:
    """Yield a statement for each THEN and ELSE. It fails with the mark as soon as a row takes that
    branch.

    Each condition among the results gets two: one for true, one for false. Equal expressions are
    changed together, because GROUP BY compares them.
    """
    seen: set[str] = set()
    for case in tree.find_all(exp.Case, exp.If):
        text = case.sql(dialect="postgres")
        if text in seen or (isinstance(case, exp.If) and isinstance(case.parent, exp.Case)):
            continue
        seen.add(text)
        same = [_results(node) for node in tree.find_all(type(case)) if node == case]
        for at, result in enumerate(_results(case)):
            made = changed(tree, [(found[at], _marked(found[at])) for found in same])
            yield Variant(f"{result.sql(dialect='postgres')} of {text}", made)
    yield from _conditions(tree)


def _conditions(tree: Any) -> Iterator[Variant]:
    """Yield each condition among the results by statements that end once it is true, or false."""
    selects = (select for select in tree.find_all(exp.Select) if not select.args.get("group"))
    results = [item for select in selects for item in select.expressions]
    for node in (node for item in results for node in item.find_all(exp.Predicate, *_MATCHES)):
        if isinstance(node, exp.Exists) or node.find_ancestor(*_ELSEWHERE):
            continue
        text, no = node.sql(dialect="postgres"), exp.Not(this=exp.Paren(this=node.copy()))
        for value, condition in (("true", node.copy()), ("false", no)):
            branch = exp.If(this=condition, true=_marked(node))
            made = exp.Paren(this=exp.Case(ifs=[branch], default=node.copy()))
            yield Variant(f"in which {text} is {value}", changed(tree, [(node, made)]))


def _results(case: Any) -> list[Any]:
    branches = [case] if isinstance(case, exp.If) else case.args["ifs"]
    last = case.args.get("false") or case.args.get("default")
    return [*(branch.args["true"] for branch in branches), *([last] if last is not None else [])]


def _marked(result: Any) -> Any:
    """A CASE of the same type, so that a NULL or a literal keeps the type that it would have."""
    call = exp.Anonymous(this=TAKEN, expressions=[])
    condition = exp.If(this=call, true=result.copy())
    return exp.Case(ifs=[condition], default=result.copy())


_MATCHES = (exp.RegexpLike, exp.RegexpILike, exp.SimilarTo, exp.ArrayContainsAll)
_ELSEWHERE = (exp.Case, exp.If, exp.Where, exp.Having, exp.Join, exp.AggFunc)

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
        todo = list(self.alive)
        while todo:
            # An error ends the statements up to the savepoint, and the rest goes on behind it.
            with contextlib.suppress(StatementFailed), self.scratch.undone():
                while todo:
                    wrong = todo.pop(0)
                    if self._same(wrong, run):
                        left.append(wrong)
        return left

    def _same(self, wrong: Variant, run: Run) -> bool:
        try:
            other = self.execution.outcome(OLD, PLANS[0], wrong.tree, run.values)
        except StatementFailed as error:
            if error.code.startswith(_REFUSED):
                self.every.remove(wrong)
            # Another error is a difference, and so are too many rows to wait for.
            raise
        return run.outcome.same_rows(other, in_order=run.in_order)

    def _taken(self, branch: Variant, runs: Sequence[Run]) -> bool:
        for run in runs:
            try:
                with self.scratch.undone():
                    self.execution.outcome(OLD, PLANS[0], branch.tree, run.values)
            except StatementFailed as error:
                if TAKEN in str(error):
                    return True
        return False
