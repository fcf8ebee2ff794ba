"""Prover: old and new form of a statement executed over the same facts in three structures."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlglot import exp

from membership_refactor.planning import Stage, TableSplit
from membership_refactor.scan.compare.column_types import Types
from membership_refactor.scan.compare.executions import Runs
from membership_refactor.scan.compare.generated_rows import DataSet, Generator
from membership_refactor.scan.compare.mutants import Mutant, mutants
from membership_refactor.scan.compare.needs import Needs, needs_of
from membership_refactor.scan.compare.results import Result, differs, pieces_equal
from membership_refactor.scan.compare.scratch_schemas import (
    CURRENT,
    INTERIM,
    OLD,
    Scratch,
    StatementFailed,
)
from membership_refactor.scan.compare.to_postgres import (
    Unprovable,
    placeholders,
    text_of,
    tree_of,
    with_variables,
)
from membership_refactor.scan.compare.value_pools import literal, meeting
from membership_refactor.scan.compare.verdict import Proof, Verdict
from membership_refactor.scan.consumers import DEFAULT, Consumer
from membership_refactor.scan.findings.values import Place
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import structure_at, wide_columns

_NOWHERE = Place(path="", line=1, column=1)


@dataclass
class Prover:
    """Proves statements of one consumer on one connection, each in a transaction it undoes."""

    connection: Connection
    plan: TableSplit
    stage: Stage = Stage.INTERIM
    consumer: Consumer = DEFAULT
    types: Types = field(default_factory=Types)
    random_sets: int = 20
    seconds: float = 5.0
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.columns = self.columns or wide_columns(self.plan)
        self.scratch = Scratch(
            self.connection, self.plan, self.stage, self.consumer.names, self.types, self.columns
        )
        old = Stage.INTERIM if self.stage is Stage.CURRENT else self.stage
        self.view = View(structure_at(self.plan, old), self.consumer, "postgres")

    def prove(
        self,
        old: str,
        new: str,
        dialect: str = "postgres",
        *,
        place: Place = _NOWHERE,
        seed: int = 1,
        forms: Sequence[str] = (INTERIM, CURRENT),
    ) -> Proof:
        """The verdict; whatever the statement does is taken back."""
        started = time.monotonic()
        transaction = self.connection.begin()
        try:
            self.scratch.run(f"SET LOCAL statement_timeout = {int(self.seconds * 1000)}")
            self.scratch.create()
            proof = _One(self, old, new, dialect, seed=seed, forms=tuple(forms)).run()
        except Unprovable as error:
            proof = Proof(place=place, verdict=Verdict.NOT_PROVABLE, why=str(error))
        except Refused as error:
            why = f"the new form is refused at {error.form}: {error}"
            proof = Proof(place=place, verdict=Verdict.DIFFERENT, why=why)
        except StatementFailed as error:
            proof = Proof(place=place, verdict=Verdict.NOT_PROVABLE, why=str(error))
        finally:
            transaction.rollback()
        remarks: tuple[str, ...] = ()
        if dialect == "mysql" and proof.verdict in (Verdict.PROVED, Verdict.WEAK):
            remarks = ("run on PostgreSQL: it shows the split, not the port from MySQL",)
        return Proof(
            place=place,
            verdict=proof.verdict,
            why=proof.why,
            example=proof.example,
            runs=proof.runs,
            rows=proof.rows,
            mutants=proof.mutants,
            killed=proof.killed,
            survivors=proof.survivors,
            seconds=time.monotonic() - started,
            remarks=proof.remarks + remarks,
        )


class _One:
    """One statement."""

    def __init__(
        self,
        prover: Prover,
        old: str,
        new: str,
        dialect: str,
        *,
        seed: int,
        forms: tuple[str, ...],
    ) -> None:
        if dialect == "jpql":
            raise Unprovable("JPQL is run by the mapping of the entities, not by the database")
        self.prover, self.scratch, self.seed = prover, prover.scratch, seed
        self.forms = forms
        self.old = tree_of(old, dialect)
        self.new = tree_of(new, dialect, rewritten=True)
        self.needs: Needs = self._needs()
        if self.needs.variables:
            self.old = with_variables(self.old, self.needs.variables)
            self.new = with_variables(self.new, self.needs.variables)
            self.needs = self._needs()
        self.names = placeholders(self.old, self.new)
        self.types: Mapping[str, str] = {}
        self.execution = Runs(self.scratch, self.old, self.needs)
        self.runs = self.slow = 0

    def _needs(self) -> Needs:
        try:
            return needs_of(self.old, self.prover.view, self.prover.types)
        except ValueError as error:
            raise Unprovable(f"it could not be read as PostgreSQL: {error}") from None

    def run(self) -> Proof:
        self.scratch.create_foreign(self.needs)
        self.types = self._parameter_types()
        generator = Generator(
            self.prover.plan,
            self.needs,
            self.prover.types,
            seed=self.seed,
            columns=self.prover.columns,
        )
        targeted = generator.targeted()
        vectors = list(self._vectors(generator))
        example = self._compare(targeted, vectors)
        if example:
            return self._proof(Verdict.DIFFERENT, example=example)
        made = self._mutants()
        alive = self._survivors(made, targeted, vectors[:4])
        if any(mutant.mandatory for mutant in alive):
            for data in generator.small_sets():
                if not any(mutant.mandatory for mutant in alive):
                    break
                example = self._compare(data, vectors[:1])
                if example:
                    return self._proof(Verdict.DIFFERENT, example=example)
                alive = self._survivors(alive, data, vectors[:1], mandatory=True)
        for number in range(self.prover.random_sets):
            data = generator.random_set(6 + number % 5 * 3)
            example = self._compare(data, vectors[:2])
            if example:
                return self._proof(Verdict.DIFFERENT, example=example)
            if number < 8 and any(mutant.mandatory for mutant in alive):
                alive = self._survivors(alive, data, vectors[:2])
        survivors = tuple(mutant.name for mutant in alive)
        mandatory = [mutant.name for mutant in alive if mutant.mandatory]
        all_, killed = len(made), len(made) - len(alive)
        if not self.execution.seen:
            return self._proof(Verdict.NOT_PROVABLE, why="never a row: the data did not reach it")
        if mandatory:
            left = ", ".join(mandatory)
            return self._proof(
                Verdict.WEAK,
                why=f"these wrong forms were equal too: {left}",
                mutants=all_,
                killed=killed,
                survivors=survivors,
            )
        return self._proof(Verdict.PROVED, mutants=all_, killed=killed, survivors=survivors)

    def _proof(
        self,
        verdict: Verdict,
        *,
        why: str = "",
        example: str = "",
        mutants: int = 0,
        killed: int = 0,
        survivors: tuple[str, ...] = (),
    ) -> Proof:
        return Proof(
            place=_NOWHERE,
            verdict=verdict,
            why=why,
            example=example,
            runs=self.runs,
            rows=self.execution.rows,
            mutants=mutants,
            killed=killed,
            survivors=survivors,
        )

    def _parameter_types(self) -> Mapping[str, str]:
        """PostgreSQL infers them better than any rule over the tree."""
        found: list[str] = []
        numbers = {name: f"${index + 1}" for index, name in enumerate(self.names)}
        for form, tree in ((OLD, self.old), *((form, self.new) for form in self.forms)):
            self.scratch.use(form)
            try:
                with self.scratch.undone():
                    self.scratch.run(f"PREPARE mr_proof AS {text_of(tree, numbers)}")
                    if form == OLD:
                        row = self.scratch.run(
                            "SELECT parameter_types::text[] FROM pg_catalog.pg_prepared_statements "
                            "WHERE name = 'mr_proof'"
                        ).scalar_one()
                        found = list(row)
                    # PREPARE is not undone with the savepoint.
                    self.scratch.run("DEALLOCATE mr_proof")
            except StatementFailed as error:
                if form == OLD:
                    raise Unprovable(f"PostgreSQL does not take the old text: {error}") from None
                raise Refused(form, str(error)) from None
        return dict(zip(self.names, found, strict=False))

    def _vectors(self, generator: Generator) -> Iterator[Mapping[str, str]]:
        """Values for the parameters: all conditions true, then one changed at a time."""
        choices: dict[str, list[Any]] = {}
        for name in self.names:
            group = self.needs.by_parameter.get(name)
            if name in self.needs.counts:
                choices[name] = [100, 1, 3]
            elif group is not None:
                cell = min(group.cells)
                own = generator.pool(cell, group.type)
                first = meeting(self.needs.compared.get(name, "="), own.good, group.type)
                choices[name] = list(dict.fromkeys([*first, *own.others[:3]]))
            else:
                choices[name] = [_any_value(self.types.get(name, "text"))]
        base = {name: self._literal(name, values[0]) for name, values in choices.items()}
        yield base
        for name, values in choices.items():
            for value in values[1:]:
                yield {**base, name: self._literal(name, value)}
        if len(choices) > 1:
            for pick in itertools.islice(itertools.product((0, 1), repeat=len(choices)), 1, 6):
                yield {
                    name: self._literal(name, values[min(at, len(values) - 1)])
                    for at, (name, values) in zip(pick, choices.items(), strict=True)
                }

    def _literal(self, name: str, value: Any) -> str:
        if value is None:
            return "NULL"
        return literal(value, self.types.get(name, "text"))

    def _compare(self, data: DataSet, vectors: Sequence[Mapping[str, str]]) -> str:
        with self.scratch.undone():
            self.scratch.load(data, (OLD, *self.forms))
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
        limits = list(self.old.find_all(exp.Limit, exp.Offset, exp.Fetch))
        if limits and not self.execution.writes:
            whole = [_without_limits(self.old), _without_limits(self.new)]
            try:
                with self.scratch.undone():
                    one = self.execution.result(OLD, whole[0], values)
                    other = self.execution.result(form, whole[1], values)
            except StatementFailed:
                raise Unprovable("LIMIT inside cuts ties, and without it the text fails") from None
            if not differs(one, other):
                raise Unprovable(
                    "ties in the sort key: which rows LIMIT keeps is open in the old text too; "
                    "add the child's id to ORDER BY"
                )
            return reason
        lists = list(self.old.find_all(exp.GroupConcat, exp.ArrayAgg))
        if (
            lists
            and not any(node.find(exp.Order) for node in lists)
            and pieces_equal(before, after)
        ):
            return ""
        return reason

    def _order(self, result: Result) -> tuple[int, ...]:
        """The output columns that the rows are sorted by, if all of the keys are among them."""
        order = self.old.args.get("order") if isinstance(self.old, exp.Query) else None
        if order is None:
            return ()
        places = []
        for item in order.expressions:
            inner = item.this
            if isinstance(inner, exp.Literal) and not inner.is_string:
                places.append(int(inner.name) - 1)
                continue
            name = inner.name if isinstance(inner, exp.Column) else None
            if name is None or result.names.count(name) != 1:
                break
            places.append(result.names.index(name))
        return tuple(places)

    def _mutants(self) -> list[Mutant]:
        if self.execution.inserts or INTERIM not in self.forms:
            return []
        plan, names = self.prover.plan, self.prover.consumer.names
        return list(mutants(self.new, plan, names, self.prover.types, self.needs))[:60]

    def _survivors(
        self,
        made: Sequence[Mutant],
        data: DataSet,
        vectors: Sequence[Mapping[str, str]],
        *,
        mandatory: bool = False,
    ) -> list[Mutant]:
        """The mutants whose results are the right form's on this data."""
        seen, rows = self.execution.seen, self.execution.rows
        with self.scratch.undone():
            self.scratch.load(data, (INTERIM,))
            right = [self.execution.result(INTERIM, self.new, values) for values in vectors]
            alive = [
                mutant
                for mutant in made
                if (mandatory and not mutant.mandatory) or not self._killed(mutant, right, vectors)
            ]
        self.execution.seen, self.execution.rows = seen, rows
        return alive

    def _killed(
        self, mutant: Mutant, right: Sequence[Result], vectors: Sequence[Mapping[str, str]]
    ) -> bool:
        for result, values in zip(right, vectors, strict=True):
            try:
                with self.scratch.undone():
                    self.scratch.run("SET LOCAL statement_timeout = 150")
                    other = self.execution.result(INTERIM, mutant.tree, values)
            except StatementFailed as error:
                # Too many rows to wait for are other rows; a mutant refused is no mutant.
                self.slow += error.slow
                return True
            if differs(result, other):
                return True
        return False


class Refused(Exception):
    """The new form is refused by a structure."""

    def __init__(self, form: str, message: str) -> None:
        super().__init__(message)
        self.form = form


def _without_limits(tree: Any) -> Any:
    copy = tree.copy()
    for node in copy.find_all(exp.Select, exp.SetOperation, exp.Subquery):
        for key in ("limit", "offset"):
            node.set(key, None)
    return copy


def _any_value(type_: str) -> Any:
    from membership_refactor.scan.compare.value_pools import fresh, kind_of

    return fresh(kind_of(type_), 0, 1)[0]
