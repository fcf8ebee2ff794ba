"""Run the old and the new form of a statement on the same rows in three structures."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from membership_refactor.planning import Stage, TableSplit
from membership_refactor.scan.compare.column_types import Types
from membership_refactor.scan.compare.executions import Executions
from membership_refactor.scan.compare.generated_rows import DataSet, Generator
from membership_refactor.scan.compare.needs import Needs
from membership_refactor.scan.compare.parameters import Refused, Values, parameter_types, vectors
from membership_refactor.scan.compare.read_needs import needs_of
from membership_refactor.scan.compare.results import Result, differs, pieces_equal
from membership_refactor.scan.compare.scratch_schemas import (
    CURRENT,
    INTERIM,
    OLD,
    Scratch,
    StatementFailed,
)
from membership_refactor.scan.compare.to_postgres import (
    NotComparable,
    placeholders,
    tree_of,
    with_variables,
)
from membership_refactor.scan.compare.verdict import Compared, Verdict
from membership_refactor.scan.compare.wrong_forms import WrongForm, wrong_forms
from membership_refactor.scan.consumers import DEFAULT, Consumer
from membership_refactor.scan.findings.values import Place
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import structure_at, wide_columns

_MUTANT_TIMEOUT_MS = 150


@dataclass
class Comparer:
    """Compares the forms of statements of one consumer, each in a transaction that is undone."""

    connection: Connection
    plan: TableSplit
    stage: Stage = Stage.INTERIM
    consumer: Consumer = DEFAULT
    types: Types = field(default_factory=Types)
    random_sets: int = 20
    seconds: float = 5.0
    columns: tuple[str, ...] = ()
    """The wide table's columns in order, if they are not the plan's."""

    def __post_init__(self) -> None:
        self.columns = self.columns or wide_columns(self.plan)
        self.old_stage = Stage.INTERIM if self.stage is Stage.CURRENT else self.stage
        self.view = View(structure_at(self.plan, self.old_stage), self.consumer, "postgres")

    def compare(
        self,
        old: str,
        new: str,
        dialect: str = "postgres",
        *,
        place: Place | None = None,
        seed: int = 1,
        forms: Sequence[str] = (INTERIM, CURRENT),
    ) -> Compared:
        """Compare the two forms. Whatever the statements do is undone."""
        started = time.monotonic()
        transaction = self.connection.begin()
        try:
            compared = _Comparison(self, old, new, dialect, seed=seed, forms=tuple(forms)).run()
        except Refused as error:
            compared = Compared(verdict=Verdict.DIFFERENT, why=str(error))
        except (NotComparable, StatementFailed) as error:
            compared = Compared(verdict=Verdict.NOT_COMPARED, why=str(error))
        except (DBAPIError, SqlglotError, RecursionError) as error:
            # The server, the parser or the depth of the text: this ends no run, it is a verdict.
            # A fault of the comparison itself is no verdict, and is raised.
            why = f"{type(error).__name__}: {str(error).strip().split(chr(10))[0]}"
            compared = Compared(verdict=Verdict.NOT_COMPARED, why=why)
        finally:
            with contextlib.suppress(DBAPIError):
                transaction.rollback()
        if dialect == "mysql" and compared.verdict is Verdict.EQUAL:
            remark = "run on PostgreSQL: it shows the split, not the port from MySQL"
            compared = replace(compared, remarks=(*compared.remarks, remark))
        return replace(compared, place=place or compared.place, seconds=time.monotonic() - started)


class _Comparison:
    """Compares the forms of one statement."""

    def __init__(
        self,
        comparer: Comparer,
        old: str,
        new: str,
        dialect: str,
        *,
        seed: int,
        forms: tuple[str, ...],
    ) -> None:
        if dialect == "jpql":
            raise NotComparable(
                "the database cannot run JPQL; the mapping of the entities translates it"
            )
        self.comparer, self.forms, self.seed = comparer, forms, seed
        self.old, self.new = tree_of(old, dialect), tree_of(new, dialect, rewritten=True)
        self.needs = self._needs()
        if self.needs.variables:
            self.old = with_variables(self.old, self.needs.variables)
            self.new = with_variables(self.new, self.needs.variables)
            self.needs = self._needs()
        self.names = placeholders(self.old, self.new)
        self.scratch = Scratch(
            comparer.connection,
            comparer.plan,
            comparer.old_stage,
            comparer.consumer.names,
            self.needs,
        )
        self.execution = Executions(self.scratch, self.old, self.needs)
        self.runs = self.sets = 0
        self.wrong_forms: list[WrongForm] = []
        self.alive: list[WrongForm] = []

    def _needs(self) -> Needs:
        comparer = self.comparer
        return needs_of(self.old, comparer.view, comparer.types, comparer.columns)

    def run(self) -> Compared:
        """Compare on targeted rows, then on small sets and random sets."""
        self.scratch.create(timeout_ms=int(self.comparer.seconds * 1000))
        types = parameter_types(self.scratch, self.old, self.new, self.forms, self.names)
        generator = Generator(self.comparer.plan, self.needs, seed=self.seed)
        values = list(vectors(generator, self.needs, self.names, types))
        example = self._compared(generator, values)
        missed = tuple(wrong.name for wrong in self.alive)
        compared = Compared(
            verdict=Verdict.EQUAL, sets=self.sets, runs=self.runs, rows=self.execution.rows,
            wrong_forms=len(self.wrong_forms), told_apart=len(self.wrong_forms) - len(missed),
            missed=missed,
        )  # fmt: skip
        if example:
            return replace(compared, verdict=Verdict.DIFFERENT, example=example)
        why = ""
        if not self.execution.seen:
            why = "it never returned a row: the generated rows do not meet its conditions"
        elif self._mandatory_alive():
            left = ", ".join(wrong.name for wrong in self.alive if wrong.mandatory)
            why = f"these wrong forms gave the same results: {left}"
        return replace(compared, verdict=Verdict.NOT_COMPARED, why=why) if why else compared

    def _compared(self, generator: Generator, values: list[Values]) -> str:
        """An example of a difference; empty where the forms were equal on all rows."""
        targeted = generator.targeted()
        if example := self._compare(targeted, values):
            return example
        if not self.execution.inserts and INTERIM in self.forms:
            plan, names = self.comparer.plan, self.comparer.consumer.names
            self.wrong_forms = list(wrong_forms(self.new, plan, names, self.needs))[:60]
        self.alive = self._survivors(self.wrong_forms, targeted, values[:4])
        for data in generator.small_sets() if self._mandatory_alive() else ():
            if example := self._compare(data, values[:1]):
                return example
            wanted = [wrong for wrong in self.alive if wrong.mandatory]
            left = self._survivors(wanted, data, values[:1])
            self.alive = [m for m in self.alive if not m.mandatory or m in left]
            if not left:
                break
        for number in range(self.comparer.random_sets):
            data = generator.random_set(6 + number % 5 * 3)
            if example := self._compare(data, values[:2]):
                return example
            if number < 8 and self._mandatory_alive():
                self.alive = self._survivors(self.alive, data, values[:2])
        return ""

    def _mandatory_alive(self) -> bool:
        return any(wrong.mandatory for wrong in self.alive)

    def _compare(self, data: DataSet, vectors: Sequence[Values]) -> str:
        with self.scratch.undone():
            self.scratch.load(data, (OLD, *self.forms))
            self.sets += 1
            for values in vectors[:12]:
                before = self.execution.result(OLD, self.old, values)
                self.runs += 1
                for form in self.forms:
                    try:
                        after = self.execution.result(form, self.new, values)
                    except StatementFailed as error:
                        return f"the new form fails at {form}: {error}"
                    reason = self._differs(before, after, form, values)
                    if reason:
                        given = ", ".join(f"{k} = {v}" for k, v in values.items())
                        return f"at {form}{' with ' + given if given else ''}: {reason}"
        return ""

    def _differs(self, before: Result, after: Result, form: str, values: Mapping[str, str]) -> str:
        reason = differs(before, after, ordered_by=self._order(before))
        if not reason:
            return ""
        if self.old.find(exp.Limit, exp.Offset, exp.Fetch) and not self.execution.writes:
            self._refuse_ties(form, values)
        lists = list(self.old.find_all(exp.GroupConcat, exp.ArrayAgg))
        unordered = lists and not any(node.find(exp.Order) for node in lists)
        return "" if unordered and pieces_equal(before, after) else reason

    def _refuse_ties(self, form: str, values: Mapping[str, str]) -> None:
        """Raise NotComparable where only LIMIT makes the difference."""
        try:
            with self.scratch.undone():
                old = self.execution.result(OLD, _without_limits(self.old), values)
                new = self.execution.result(form, _without_limits(self.new), values)
        except StatementFailed:
            raise NotComparable(
                "LIMIT in a subquery cuts ties, and the text fails without it"
            ) from None
        if not differs(old, new):
            raise NotComparable(
                "the sort key has ties, so the old text does not say which rows LIMIT keeps. "
                "Add the child's id to ORDER BY"
            )

    def _order(self, result: Result) -> tuple[int, ...]:
        """The output columns that the rows are sorted by, as far as the keys are among them."""
        order = self.old.args.get("order") if isinstance(self.old, exp.Query) else None
        places = []
        for item in order.expressions if order is not None else ():
            inner = item.this
            if isinstance(inner, exp.Literal) and not inner.is_string:
                places.append(int(inner.name) - 1)
            elif isinstance(inner, exp.Column) and result.names.count(inner.name) == 1:
                places.append(result.names.index(inner.name))
            else:
                break
        return tuple(places)

    def _survivors(
        self, made: Sequence[WrongForm], data: DataSet, vectors: Sequence[Values]
    ) -> list[WrongForm]:
        """The wrong_forms whose results are the right form's on this data."""
        seen, rows = self.execution.seen, self.execution.rows
        with self.scratch.undone():
            self.scratch.load(data, (INTERIM,))
            right = [self.execution.result(INTERIM, self.new, values) for values in vectors]
            alive = [wrong for wrong in made if not self._killed(wrong.tree, right, vectors)]
        self.execution.seen, self.execution.rows = seen, rows
        return alive

    def _killed(self, tree: Any, right: Sequence[Result], vectors: Sequence[Values]) -> bool:
        for result, values in zip(right, vectors, strict=True):
            try:
                with self.scratch.undone():
                    self.scratch.run(f"SET LOCAL statement_timeout = {_MUTANT_TIMEOUT_MS}")
                    other = self.execution.result(INTERIM, tree, values)
            except StatementFailed:
                # Too many rows to wait for are other rows. A wrong that is refused is none.
                return True
            if differs(result, other):
                return True
        return False


def _without_limits(tree: Any) -> Any:
    copy = tree.copy()
    for node in copy.find_all(exp.Select, exp.SetOperation, exp.Subquery):
        for key in ("limit", "offset"):
            node.set(key, None)
    return copy
