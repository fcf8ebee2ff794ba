"""Compare the old and the new form of a statement on one set of made-up rows after another."""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from membership_refactor.consumers import DEFAULT, Consumer
from membership_refactor.planning import Stage, TableSplit
from membership_refactor.scan.compare.generated_rows import DataSet, Generator
from membership_refactor.scan.compare.known_tables import Catalog
from membership_refactor.scan.compare.read_needs import needs_of
from membership_refactor.scan.compare.results import Compared, NotComparable, Verdict, differs
from membership_refactor.scan.compare.scratch_schemas import (
    CURRENT,
    INTERIM,
    MIRROR,
    PLANS,
    Scratch,
)
from membership_refactor.scan.compare.sets_of_rows import sets_of_rows
from membership_refactor.scan.compare.to_postgres import Forms, text_of, with_values
from membership_refactor.scan.compare.told_apart import Run, Values, WrongForms

_MOST_VECTORS = 12
_SHUFFLES = 6
"""So often is the order of the new form's result looked at with its rows in another order."""
_ALWAYS = 8
"""So many sets of rows that nearly meet the conditions are used in any case."""
_IDLE = 120
"""So many sets in a row that show nothing new, and no further one is made."""
_TIES = (
    "the old form itself gives other rows when the rows stand in another order or PostgreSQL takes "
    "another plan: its sort key has ties, or it keeps one of several equal rows. Add a unique "
    "column to its ORDER BY"
)


class Different(Exception):
    """Raised with an example of a difference."""


class Tied(Exception):
    """Raised where the old form gives other rows under another plan or order of the rows."""


@dataclass
class Comparer:
    """Compares the forms of statements of one consumer, each in a transaction that is undone."""

    connection: Connection
    plan: TableSplit
    stage: Stage = Stage.INTERIM
    consumer: Consumer = DEFAULT
    random_sets: int = 20
    seconds: float = 5.0
    schema: str = "public"
    """Where the user's own tables and functions are."""

    def __post_init__(self) -> None:
        # A text without parameters is sent as it is: % is no mark in it.
        self.connection = self.connection.execution_options(no_parameters=True)
        stage = Stage.INTERIM if self.stage is Stage.CURRENT else self.stage
        self.catalog = Catalog(self.connection, self.plan, stage, self.consumer, self.schema)

    def compare(
        self, old: str, new: str, dialect: str = "postgres", *, seed: int = 1,
        forms: Sequence[str] = (INTERIM, CURRENT),
    ) -> Compared:  # fmt: skip
        """Compare the two forms. Whatever the statements do is undone."""
        started = time.monotonic()
        try:
            self.connection.begin()
            compared = _Comparison(self, Forms(old, new, dialect), seed, forms).run()
        except NotComparable as error:
            compared = Compared(verdict=error.verdict, why=str(error))
        except (SQLAlchemyError, SqlglotError, RecursionError) as error:
            # The server, the parser or the depth of the text: this ends no run, it is a verdict.
            # A fault of the comparison itself is no verdict, and is raised.
            why = f"{type(error).__name__}: {str(error).strip().split(chr(10))[0]}"
            compared = Compared(verdict=Verdict.NOT_COMPARED, why=why)
        finally:
            with contextlib.suppress(SQLAlchemyError):
                self.connection.rollback()
        if dialect == "mysql" and compared.verdict is Verdict.EQUAL:
            remark = "run on PostgreSQL: it shows the split, not the port from MySQL"
            compared = replace(compared, remarks=(*compared.remarks, remark))
        return replace(compared, seconds=time.monotonic() - started)


class _Comparison:
    """Compares the forms of one statement."""

    def __init__(
        self, comparer: Comparer, statement: Forms, seed: int, forms: Sequence[str]
    ) -> None:
        self.comparer, self.statement, self.seed, self.forms = comparer, statement, seed, forms
        self.random = random.Random(seed)
        statement.qualify_functions(comparer.catalog)
        self.needs = needs_of(statement.old, statement.new, comparer.catalog)
        if self.needs.variables:
            statement.with_variables(self.needs.variables)
            self.needs = needs_of(statement.old, statement.new, comparer.catalog)
        self.scratch = Scratch(comparer.catalog, self.needs)
        query = isinstance(statement.old, exp.Query)
        self.ordered = query and statement.old.args.get("order") is not None
        self.shuffles = _SHUFFLES if self.ordered else 0
        self.runs = self.sets = self.rows = 0
        self.seen = self.ties = self.several = self.in_order = False
        self.failure = self.counts = ""

    def run(self) -> Compared:
        """Compare on one set of rows after another, as long as they show something new."""
        comparer = self.comparer
        self.scratch.create(timeout_ms=int(comparer.seconds * 1000))
        types = self.statement.parameter_types(self.scratch, self.forms)
        self.wrong = WrongForms(self.scratch, self.statement.old)
        self.old, self.new = text_of(self.statement.old), text_of(self.statement.new)
        generator = Generator(comparer.plan, self.needs, seed=self.seed)
        values = list(itertools.islice(generator.vectors(types), _MOST_VECTORS))
        example = ""
        try:
            self._compare_sets(generator, values)
        except Different as error:
            example = str(error)
        why = "" if example else "; ".join(self._not_compared())
        verdict = Verdict.NOT_COMPARED if why else Verdict.EQUAL
        made, missed = len(self.wrong.every), tuple(form.name for form in self.wrong.alive)
        return Compared(
            verdict=Verdict.DIFFERENT if example else verdict, why=why, example=example,
            sets=self.sets, runs=self.runs, rows=self.rows, wrong_forms=made,
            told_apart=made - len(missed), missed=missed, remarks=tuple(self._remarks()),
        )  # fmt: skip

    def _remarks(self) -> Iterator[str]:
        if self.counts:
            yield f"the count of changed rows differs, such as {self.counts}"
        if isinstance(self.statement.old, exp.Insert):
            yield "a new row whose key an older parent has, with other values, was not tried"

    def _not_compared(self) -> Iterator[str]:
        if self.ties:
            yield _TIES
        if self.failure and not self.seen:
            yield f"the old form fails on the generated rows: {self.failure}"
        elif not self.seen and not self.ties:
            yield "it never returned or changed a row: the generated rows miss its conditions"
        for branch in self.wrong.untaken:
            yield f"no row took the branch {branch.name}"
        if self.several and not self.in_order and not self.ties:
            yield "its ORDER BY never decided the order of the rows"

    def _compare_sets(self, generator: Generator, values: list[Values]) -> None:
        idle, last, random_sets, wrong = 0, None, self.comparer.random_sets, self.wrong
        for number, (data, wanted) in enumerate(sets_of_rows(generator, random_sets)):
            self._compare(number, data, values[:wanted])
            # It changes as long as new rows show something new.
            shown = len(wrong.alive), len(wrong.untaken), self.sets > 0, self.seen, self.in_order
            idle, last = (idle + 1 if shown == last else 0), shown
            done = self.seen and not (wrong.alive or wrong.untaken)
            if number >= random_sets + _ALWAYS and (done or idle >= _IDLE or self.ties):
                break

    def _compare(self, number: int, data: DataSet, vectors: Sequence[Values]) -> None:
        runs: list[Run] = []
        try:
            with self.scratch.undone():
                self.scratch.load(data)
                for at, values in enumerate(vectors):
                    try:
                        runs.append(self._run(number + at, values, every=number == at == 0))
                    except Tied:
                        self.ties = True
                self.wrong.tell_apart(runs[:4])
                self.sets += bool(runs)
        except NotComparable as error:
            # Rows on which the old form fails do not show whether the new one is right.
            self.failure = self.failure or str(error)

    def _run(self, at: int, values: Values, *, every: bool) -> Run:
        """Run both forms. Returns what the old one showed. Raises Tied or Different."""
        plans = [PLANS if every else (PLANS[(at + step) % len(PLANS)],) for step in range(3)]
        old, new = (with_values(text, values) for text in (self.old, self.new))
        before = self.scratch.outcome(old)
        self.runs += 1
        run = Run(values, old, new, before, self.ordered)
        for plan in plans[0]:
            again = self.scratch.outcome(old, MIRROR, plan)
            if not before.same_rows(again):
                raise Tied
            run = run._replace(in_order=run.in_order and before.same_rows(again, in_order=True))
        for form, some in zip(self.forms, plans[1:], strict=False):
            for plan in some:
                run = self._equal(form, plan, run)
        if run.in_order and self.shuffles and len(before.returned.rows) > 2:
            # A form without ORDER BY may give the right order by luck.
            self.shuffles -= 1
            with self.scratch.undone():
                self.scratch.shuffle(self.random, *self.forms)
                for form in self.forms:
                    run = self._equal(form, PLANS[0], run)
        self.rows += len(before.returned.rows)
        if not self.needs.writes:
            self.seen |= before.returned.informative
        elif not self.seen:
            self.seen = before.parts[1:] != tuple(self.scratch.left())
        if self.ordered and len(set(before.returned.rows)) > 1:
            self.several = True
            self.in_order |= run.in_order
        return run

    def _equal(self, form: str, plan: str, run: Run) -> Run:
        """What is known after the new form ran. Raises Different or Tied."""
        given = ", ".join(f"{name} = {value}" for name, value in run.values.items())
        where = f"at {form}{' with ' + given if given else ''}"
        try:
            after = self.scratch.outcome(run.new, form, plan)
        except NotComparable as error:
            raise Different(f"the new form fails {where}: {error}") from None
        if reason := differs(run.outcome, after):
            raise Tied if self._tied(run) else Different(f"{where}: {reason}")
        if run.in_order and (reason := differs(run.outcome, after, in_order=True)):
            if not self._tied(run, in_order=True):
                raise Different(f"{where}: {reason}")
            return run._replace(in_order=False)
        if run.outcome.count != after.count:
            self.counts = self.counts or f"{run.outcome.count} rows before and {after.count} after"
        return run

    def _tied(self, run: Run, *, in_order: bool = False) -> bool:
        """Whether the old form gives other rows under other plans or orders of the rows."""
        for attempt in range(10):
            with self.scratch.undone():
                if attempt:
                    self.scratch.shuffle(self.random, MIRROR)
                again = (self.scratch.outcome(run.old, MIRROR, plan) for plan in PLANS)
                if not all(run.outcome.same_rows(one, in_order=in_order) for one in again):
                    return True
        return False
